internal import Glibc

/// Writes the first inputs of the chosen decoder into the folder that the environment names, if it
/// names one, and ends the process.
@c(LLVMFuzzerInitialize)
public func initialize(
    count: UnsafeMutablePointer<Int32>?,
    arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> Int32 {
    guard let folder = variable("STARLING_FUZZ_SEEDS") else { return 0 }
    for (number, seed) in chosen.seeds.enumerated() {
        let path = "\(folder)/seed-\(number)"
        guard let file = unsafe fopen(path, "wb") else {
            preconditionFailure("\(path) cannot be written: error \(errno)")
        }
        let written = unsafe seed.withUnsafeBytes {
            unsafe fwrite($0.baseAddress, 1, $0.count, file)
        }
        precondition(unsafe fclose(file) == 0 && written == seed.count, "\(path): \(errno)")
    }
    exit(0)
}

/// What libFuzzer calls with every input: a crash or a hang is a finding, an error is none.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(bytes: UnsafePointer<UInt8>?, count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    chosen.read(input)
    return 0
}

/// The decoder that the environment names.
private let chosen: any PeerDecoder.Type = {
    guard let name = variable("STARLING_FUZZ_READER"), let decoder = peerDecoders[name] else {
        let names = peerDecoders.keys.sorted().joined(separator: " ")
        preconditionFailure("STARLING_FUZZ_READER is none of: \(names)")
    }
    return decoder
}()

private func variable(_ name: String) -> String? {
    unsafe getenv(name).flatMap { unsafe String(validatingCString: $0) }
}
