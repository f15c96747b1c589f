/// Few connections, many calls on each: what fleet tools look like. The floor batches most here.
struct S2: DescribeRate {
    let id = "S2"
    let shape = LoadShape(connections: 4, inFlight: 64)
    let other: any Contender = FloorContender()
    let target = Target.atLeast(0.25, goal: 0.5)
}
