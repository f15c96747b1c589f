import ErrandCore
import ErrandWire

extension MessageExaminer {
    func batch<Item: BatchableRequest>(
        _ type: Item.Type, _ fields: (Item) -> Fields, _ validate: (Item) -> () throws(InvalidField) -> Void
    ) -> Examined {
        let items: [Result<Item, InvalidField>]
        do throws(MessageFault) {
            items = try BatchItems<Item>(
                body.span.bytes, header, itemCountMax: WireLimits.batchItemCountMax
            ).items
        } catch {
            return Examined(error)
        }
        var good: [Item] = []
        for (index, item) in items.enumerated() {
            guard case .success(let request) = item else { return .invalidField(item: index) }
            do throws(InvalidField) { try validate(request)() } catch { return .invalidField(item: index) }
            good.append(request)
        }
        var all: Fields = [
            "itemCount": .number(good.count), "items": .array(good.map { listed("OK", fields($0)) }),
        ]
        all.list("timeoutMilliseconds", timeoutMilliseconds, field)
        let encoded = encode { encoder in
            _ = encoder.appendBatch(
                good[...], requestId: header.requestId, timeoutMilliseconds: timeoutMilliseconds)
        }
        return .message(all, encoded: encoded)
    }

    func batchReply<Item: BatchableRequest>(
        _ type: Item.Type, _ fields: (Item.Reply) -> Fields, _ write: (Item.Reply, inout ByteWriter) -> Void
    ) -> Examined {
        let items: [BatchItemReply<Item.Reply>]
        do throws(MessageFault) {
            items = try BatchReply.read(body.span.bytes, header, of: type)
        } catch {
            return Examined(error)
        }
        let shown = items.map { item in
            switch item {
            case .reply(let reply): listed("OK", fields(reply))
            case .failure(let code, let failure): listed(code.description, failure.vectorFields)
            }
        }
        let encoded = encodeReply(rootByteCount: BatchReply.rootByteCount) { writer in
            BatchReply.write(itemCount: items.count, to: &writer)
            for item in items {
                switch item {
                case .reply(let reply):
                    let start = writer.beginRecord(rootByteCount: Item.replyRootByteCount)
                    write(reply, &writer)
                    writer.endRecord(start)
                case .failure(let code, let failure): writer.appendRecord(failure, status: code)
                }
            }
        }
        return .message(["itemCount": .number(items.count), "items": .array(shown)], encoded: encoded)
    }

    private func listed(_ status: String, _ fields: Fields) -> JSONValue {
        .object(["status": .text(status), "fields": .object(fields)])
    }
}
