/// What libFuzzer calls with every input: a crash or a hang is a finding, an error is none.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(bytes: UnsafePointer<UInt8>?, count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    guard let reader = FuzzedReader.chosen else {
        preconditionFailure("STARLING_FUZZ_READER is none of \(FuzzedReader.names)")
    }
    reader.read(input)
    return 0
}
