internal import JSONDocuments

extension RunCheckpoint {
    /// What a checkpoint says beside the trainer's state.
    ///
    /// Numbers that must come back with all their bits are written as the integer of those bits.
    var header: JSONValue {
        var members = [
            JSONObject.Member(key: "step", value: .integer(step)),
            JSONObject.Member(key: "seconds", value: Self.bits(seconds)),
            JSONObject.Member(
                key: "run",
                value: .array(
                    identity.fields.map { .array([.string($0.name), .string($0.value)]) }
                )
            ),
        ]
        if let stopping {
            members.append(
                JSONObject.Member(
                    key: "early_stopping",
                    value: .array([
                        .integer(stopping.patience), Self.bits(stopping.improvementMin),
                        Self.bits(stopping.best), .integer(stopping.sinceBest),
                    ])
                )
            )
        }
        if let before {
            members.append(
                JSONObject.Member(
                    key: "held_out_before",
                    value: .array([
                        Self.bits(before.nats), .integer(before.tokenCount),
                        .integer(before.byteCount),
                    ])
                )
            )
        }
        return .object(JSONObject(members))
    }

    init(header: JSONValue, snapshot: [UInt8]) throws(RunCheckpointError.Damage) {
        guard let object = header.object,
            let step = object["step"]?.integer, step >= 0,
            let seconds = object["seconds"]?.integer.map(Self.double(bits:)),
            let fields = object["run"]?.array
        else { throw .altered }
        let pairs = fields.compactMap { field -> RunIdentity.Field? in
            guard let pair = field.array, pair.count == 2, let name = pair[0].string,
                let value = pair[1].string
            else { return nil }
            return RunIdentity.Field(name: name, value: value)
        }
        guard pairs.count == fields.count else { throw .altered }
        self.init(
            step: step,
            identity: RunIdentity(fields: pairs),
            stopping: try object["early_stopping"].map(Self.stopping(from:)),
            before: try object["held_out_before"].map(Self.evaluation(from:)),
            seconds: seconds,
            snapshot: snapshot
        )
    }

    private static func stopping(
        from value: JSONValue
    ) throws(RunCheckpointError.Damage) -> EarlyStopping {
        guard let values = integers(value, count: 4), values[0] > 0, values[3] >= 0 else {
            throw .altered
        }
        return EarlyStopping(
            patience: values[0],
            improvementMin: double(bits: values[1]),
            best: double(bits: values[2]),
            sinceBest: values[3]
        )
    }

    private static func evaluation(
        from value: JSONValue
    ) throws(RunCheckpointError.Damage) -> Evaluation {
        guard let values = integers(value, count: 3) else { throw .altered }
        return Evaluation(
            nats: double(bits: values[0]),
            tokenCount: values[1],
            byteCount: values[2]
        )
    }

    private static func integers(_ value: JSONValue, count: Int) -> [Int]? {
        guard let values = value.array?.compactMap(\.integer), values.count == count else {
            return nil
        }
        return values
    }

    private static func bits(_ value: Double) -> JSONValue {
        .integer(Int(truncatingIfNeeded: value.bitPattern))
    }

    private static func double(bits: Int) -> Double {
        Double(bitPattern: UInt64(truncatingIfNeeded: bits))
    }
}
