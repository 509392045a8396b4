import Foundation
import Tensors
import Testing

/// `Tests/Fixtures/quantisation/vectors.json`, which `make_fixtures.py` beside it writes.
struct QuantisationVectors: Decodable {
    struct Vector: Decodable, Sendable, CustomTestStringConvertible {
        let type: String
        let bytes: String
        let values: String

        var elementType: ElementType {
            get throws { try #require(ElementType(rawValue: type)) }
        }

        var testDescription: String { type }

        var blockBytes: [UInt8] { Self.decode(bytes) }

        var floats: [Float] {
            let bytes = Self.decode(values)
            return stride(from: 0, to: bytes.count, by: 4).map { start in
                Float(
                    bitPattern: bytes[start..<start + 4].reversed().reduce(0) {
                        $0 << 8 | UInt32($1)
                    })
            }
        }

        private static func decode(_ hexadecimal: String) -> [UInt8] {
            let digits = hexadecimal.compactMap { $0.hexDigitValue.map { UInt8($0) } }
            return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        }
    }

    let decoded: [Vector]
    let encoded: [Vector]

    static func load() throws -> Self {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/quantisation/vectors.json")
        return try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
    }
}
