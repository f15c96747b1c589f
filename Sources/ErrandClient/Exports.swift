// The words of the domain belong to the client's API: JobExecution, JobId, StatusDetails, StatusCode and the requests.
@_exported public import ErrandCore
