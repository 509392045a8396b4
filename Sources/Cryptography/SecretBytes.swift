internal import CSodium

// Sendable because the memory never changes after `init`.
/// Secret bytes in guarded memory, wiped when the last owner lets go.
///
/// The memory lies between guard pages, is locked where the system allows it, and is read-only
/// after the initialiser. It has no description and compares in constant time.
@safe
public final class SecretBytes: @unchecked Sendable {
    /// The number of bytes.
    public let count: Int
    private let memory: UnsafeMutableRawPointer

    /// Allocates and lets `fill` write all bytes.
    init(
        count: Int,
        fill: (UnsafeMutablePointer<UInt8>) throws(CryptographyError) -> Void
    ) throws(CryptographyError) {
        precondition(count > 0, "a secret of \(count) bytes")
        Sodium.prepare()
        guard let memory = unsafe sodium_malloc(count) else {
            fatalError("sodium_malloc of \(count) bytes failed")
        }
        self.count = count
        unsafe self.memory = memory
        try unsafe fill(memory.bindMemory(to: UInt8.self, capacity: count))
        _ = unsafe sodium_mprotect_readonly(memory)
    }

    /// Fills without failing.
    static func filled(
        count: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Void
    ) -> SecretBytes {
        do {
            return try unsafe SecretBytes(count: count) {
                (memory) throws(CryptographyError) in unsafe fill(memory)
            }
        } catch {
            fatalError("a fill that does not throw threw \(error)")
        }
    }

    /// Copies bytes (at least one) into guarded memory.
    ///
    /// The caller's array stays as it is.
    public convenience init(copying bytes: [UInt8]) {
        precondition(!bytes.isEmpty, "a secret of no bytes")
        do {
            try unsafe self.init(count: bytes.count) { (memory) throws(CryptographyError) in
                unsafe memory.update(from: bytes, count: bytes.count)
            }
        } catch {
            fatalError("a copy threw \(error)")
        }
    }

    /// Fresh random bytes.
    public static func random(count: Int) -> SecretBytes {
        unsafe filled(count: count) { unsafe randombytes_buf($0, count) }
    }

    /// Lends the bytes to `body`; the pointer must not leave it.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withPointer { (pointer) throws(Failure) in
            try unsafe body(UnsafeRawBufferPointer(start: pointer, count: count))
        }
    }

    /// Lends the memory as C functions want it.
    ///
    /// A bare pointer would not keep its owner alive, and the memory is unmapped with its owner.
    func withPointer<Result, Failure: Error>(
        _ body: (UnsafePointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withExtendedLifetime(self) { () throws(Failure) in
            try unsafe body(UnsafePointer(memory.assumingMemoryBound(to: UInt8.self)))
        }
    }

    /// The bytes as an ordinary array, which is neither guarded nor wiped: for writing key files
    /// and for tests.
    public func copyBytes() -> [UInt8] {
        unsafe withUnsafeBytes { unsafe Array($0) }
    }

    /// A part of the bytes as a secret of its own.
    public func slice(at offset: Int, count: Int) -> SecretBytes {
        precondition(
            offset >= 0 && count > 0 && offset + count <= self.count,
            "\(count) bytes at \(offset) of \(self.count)")
        return unsafe SecretBytes.filled(count: count) { memory in
            unsafe withPointer { unsafe memory.update(from: $0 + offset, count: count) }
        }
    }

    /// Whether both hold the same bytes, in a time that depends on the length only.
    public func isEqual(to other: SecretBytes) -> Bool {
        guard count == other.count else { return false }
        return unsafe withPointer { left in
            unsafe other.withPointer { right in unsafe sodium_memcmp(left, right, count) == 0 }
        }
    }

    deinit {
        // sodium_free makes the pages writable again and wipes them.
        unsafe sodium_free(memory)
    }
}
