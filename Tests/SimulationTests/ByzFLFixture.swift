import Foundation

/// `Tests/Fixtures/robustness/byzfl.json`, which `make_fixtures.py` beside it writes.
struct ByzFLFixture: Decodable {
    struct Case: Decodable {
        let f: Int
        let vectors: [[Double]]
        let results: [String: [Double]]
    }

    struct Row: Decodable {
        let attack: String
        let f: Int
        let errors: [String: Double]
    }

    struct Attacks: Decodable {
        let vectors: [[Double]]
        let gaussian: [Double]
        let table: [Row]
    }

    let byzfl: String
    let radius: Double
    let cases: [Case]
    let attacks: Attacks

    static func read() throws -> ByzFLFixture {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/robustness/byzfl.json")
        return try JSONDecoder().decode(ByzFLFixture.self, from: Data(contentsOf: file))
    }
}
