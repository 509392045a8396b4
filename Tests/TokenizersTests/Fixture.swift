internal import Foundation
internal import JSONDocuments
internal import Testing

/// Files of `Tests/Fixtures/tokenizer`.
enum Fixture {
    static func bytes(_ name: String) throws -> [UInt8] {
        let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        let path = here.dropLast(2).joined(separator: "/") + "/Fixtures/tokenizer/" + name
        return [UInt8](try #require(FileManager.default.contents(atPath: path), "\(path)"))
    }

    static func json(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: bytes(name))
    }

    static func strings() throws -> [String] {
        try #require(json("strings.json").array).map { try #require($0.string) }
    }

    static func ids(_ value: JSONValue?) throws -> [Int] {
        try #require(value?.array).map { try #require($0.integer) }
    }
}

/// A small generator whose sequence is the same everywhere.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
