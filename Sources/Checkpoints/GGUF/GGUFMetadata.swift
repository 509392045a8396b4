/// The metadata of a GGUF file with typed access to its keys.
struct GGUFMetadata {
    let path: String
    let values: [String: GGUFValue]

    /// The integer under a key, or `nil` if the key is absent.
    func integer(_ key: String) throws(CheckpointError) -> Int64? {
        switch values[key] {
        case nil: return nil
        case .integer(let value): return value
        case .hugeInteger(let value):
            throw error(key, .outOfRange(value: "\(value)", expected: "below 2^63"))
        case .some(let other): throw wrongType(key, "an integer", other)
        }
    }

    func float(_ key: String) throws(CheckpointError) -> Double? {
        switch values[key] {
        case nil: return nil
        case .float(let value): return value
        case .some(let other): throw wrongType(key, "a number", other)
        }
    }

    func bool(_ key: String) throws(CheckpointError) -> Bool? {
        switch values[key] {
        case nil: return nil
        case .bool(let value): return value
        case .some(let other): throw wrongType(key, "a Boolean", other)
        }
    }

    func string(_ key: String) throws(CheckpointError) -> String? {
        switch values[key] {
        case nil: return nil
        case .string(let value): return value
        case .some(let other): throw wrongType(key, "a string", other)
        }
    }

    func strings(_ key: String) throws(CheckpointError) -> [String]? {
        switch values[key] {
        case nil: return nil
        case .strings(let value): return value
        case .some(let other): throw wrongType(key, "an array of strings", other)
        }
    }

    func integers(_ key: String) throws(CheckpointError) -> [Int64]? {
        switch values[key] {
        case nil: return nil
        case .integers(let value): return value
        case .some(let other): throw wrongType(key, "an array of integers", other)
        }
    }

    /// The value of a key that can't be done without.
    func required<Value>(_ key: String, _ value: Value?) throws(CheckpointError) -> Value {
        guard let value else { throw error(key, .missing) }
        return value
    }

    func error(_ key: String, _ problem: CheckpointError.KeyProblem) -> CheckpointError {
        .invalidKey(path: path, key: key, problem: problem)
    }

    private func wrongType(
        _ key: String,
        _ expected: String,
        _ actual: GGUFValue
    ) -> CheckpointError {
        error(key, .wrongType(expected: expected, actual: actual.kind))
    }
}
