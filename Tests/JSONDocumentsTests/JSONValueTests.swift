internal import JSONDocuments
internal import Testing

@Suite struct JSONValueTests {
    private static func parse(_ text: String, _ limits: JSONLimits = JSONLimits()) throws
        -> JSONValue
    {
        try JSONValue(parsing: Array(text.utf8), limits: limits)
    }

    @Test func `every kind of value is read and written again`() throws {
        let text = #"{"a":[1,-2.5,true,false,null,"x\"\\\n\u0001é😀"],"b":{},"c":[]}"#
        let value = try Self.parse(text)
        #expect(String(decoding: value.encoded(), as: UTF8.self) == text)
        #expect(try JSONValue(parsing: value.encoded(isIndented: true)) == value)
        #expect(value.object?["a"]?.array?.count == 6)
        #expect(value.object?["a"]?.array?[0] == .integer(1))
    }

    @Test func `escapes stand for their characters`() throws {
        #expect(try Self.parse(#""\u0041\ud83d\ude00\/\b\f""#) == .string("A😀/\u{8}\u{C}"))
    }

    @Test(arguments: [
        "", " ", "{", "[", "\"", "\"\\", "\"\\u00", "{\"a\"", "{\"a\":", "[1", "[1,", "tru",
        "[1,]", "{\"a\":1,}", "{,}", "{1:2}", "01", "-", "1.", ".5", "1e", "+1", "1e999", "NaN",
        "nul",
        "\"\u{1}\"", #""\x""#, #""\ud800""#, #""\ud800A""#, #""\udc00""#, #""\ud800\u0041""#, "1 2",
        "[1 2]",
        "'a'", "{\"a\" 1}",
    ])
    func `malformed text is refused`(text: String) {
        #expect(throws: JSONError.self) { try Self.parse(text) }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(throws: JSONError.invalidString(offset: 0)) {
            try JSONValue(parsing: [0x22, 0xC3, 0x22])
        }
    }

    @Test func `a repeated key is refused however many keys there are`() throws {
        #expect(throws: JSONError.duplicateKey("a", offset: 7)) {
            try Self.parse(#"{"a":1,"a":2}"#)
        }
        #expect(throws: JSONError.duplicateKey("a", offset: 7)) {
            try Self.parse(#"{"a":1,"\u0061":2}"#)
        }
        let members = (0..<100).map { "\"k\($0)\":0" }
        #expect(try Self.parse("{\(members.joined(separator: ","))}").object?.members.count == 100)
        #expect(throws: JSONError.self) {
            try Self.parse("{\((members + ["\"k99\":1"]).joined(separator: ","))}")
        }
    }

    @Test func `keys that are canonically equivalent are two keys`() throws {
        let value = try Self.parse("{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(value.object?.members.count == 2)
    }

    @Test func `limits hold`() throws {
        let nested = String(repeating: "[", count: 3) + String(repeating: "]", count: 3)
        #expect(throws: Never.self) { try Self.parse(nested, JSONLimits(depthMax: 3)) }
        #expect(throws: JSONError.tooDeep(offset: 2, depthMax: 2)) {
            try Self.parse(nested, JSONLimits(depthMax: 2))
        }
        #expect(throws: JSONError.tooDeep(offset: 64, depthMax: 64)) {
            try Self.parse(String(repeating: "[", count: 100_000))
        }
        #expect(throws: JSONError.tooManyValues(offset: 5, valueCountMax: 3)) {
            try Self.parse("[1,2,3]", JSONLimits(valueCountMax: 3))
        }
        #expect(throws: JSONError.tooLong(byteCount: 7, byteCountMax: 6)) {
            try Self.parse("[1,2,3]", JSONLimits(byteCountMax: 6))
        }
    }

    @Test func `integers beyond Int are numbers`() throws {
        #expect(try Self.parse("9223372036854775807").integer == Int.max)
        #expect(try Self.parse("18446744073709551615").integer == nil)
        #expect(try Self.parse("1.0").integer == nil)
        #expect(try Self.parse("1.0").number == 1)
    }
}
