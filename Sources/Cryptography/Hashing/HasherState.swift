/// Memory of one C hash state.
///
/// Copies are made by the hashers before they write to a shared one.
@safe
final class HasherState {
    private let memory: UnsafeMutableRawBufferPointer

    /// Allocates; libsodium asks for 64-byte alignment of the BLAKE2b state.
    init(byteCount: Int) {
        unsafe memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Lends the memory; the pointer must not leave `body`.
    func withPointer<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        withExtendedLifetime(self) {
            unsafe body(OpaquePointer(memory.baseAddress.unsafelyUnwrapped))
        }
    }

    /// A second state with the same content.
    func copy() -> HasherState {
        let other = unsafe HasherState(byteCount: memory.count)
        unsafe other.memory.copyMemory(from: UnsafeRawBufferPointer(memory))
        return other
    }

    deinit {
        unsafe memory.deallocate()
    }
}
