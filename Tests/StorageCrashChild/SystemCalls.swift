public import Glibc

/// The system calls through which LMDB changes files, replaced in this process so that one of them
/// can fail or be the last thing that the process does.
///
/// The dynamic linker prefers an executable's symbols to those of the C library, also for calls
/// that liblmdb makes.
enum SystemCalls {
    /// What happens at a call.
    enum Fate {
        case kill
        case tear
        case fail
    }

    /// The number of calls so far.
    ///
    /// This process has one thread that writes.
    nonisolated(unsafe) private(set) static var count = 0
    nonisolated(unsafe) private static var fate: Fate?
    nonisolated(unsafe) private static var target = 0

    static func arrange(_ fate: Fate, atCall number: Int) {
        unsafe self.fate = fate
        unsafe target = number
    }

    /// The numbers of the calls that write whole pages, which can be torn.
    nonisolated(unsafe) private(set) static var pageWrites: [Int] = []

    /// Counts a call; returns what to do instead of it, if its turn has come.
    static func next(writesPages: Bool = false) -> Fate? {
        unsafe count += 1
        if writesPages {
            unsafe pageWrites.append(count)
        }
        guard let fate = unsafe fate, unsafe count == target else { return nil }
        if fate == .kill {
            die()
        }
        return fate
    }

    static func die() -> Never {
        kill(getpid(), SIGKILL)
        // The signal is on its way.
        while true {
            pause()
        }
    }

    /// The C library's own function behind the replacement.
    static func original<Function>(_ name: String, as type: Function.Type) -> Function {
        // RTLD_NEXT
        let next = unsafe UnsafeMutableRawPointer(bitPattern: -1)
        guard let symbol = unsafe dlsym(next, name) else { fatalError("no \(name)") }
        return unsafe unsafeBitCast(symbol, to: type)
    }

    static func refuse() -> Int {
        errno = ENOSPC
        return -1
    }
}

/// Stands in for `pwrite`.
@c(pwrite)
public func replacedPwrite(
    _ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ offset: Int
) -> Int {
    typealias Function = @convention(c) (Int32, UnsafeRawPointer?, Int, Int) -> Int
    let original = unsafe SystemCalls.original("pwrite", as: Function.self)
    switch SystemCalls.next(writesPages: count >= 4096) {
    case .fail: return SystemCalls.refuse()
    case .tear:
        _ = unsafe original(descriptor, bytes, count / 2, offset)
        SystemCalls.die()
    default: return unsafe original(descriptor, bytes, count, offset)
    }
}

/// Stands in for `writev`.
@c(writev)
public func replacedWritev(
    _ descriptor: Int32, _ parts: UnsafePointer<iovec>?, _ count: Int32
) -> Int {
    typealias Function = @convention(c) (Int32, UnsafePointer<iovec>?, Int32) -> Int
    let original = unsafe SystemCalls.original("writev", as: Function.self)
    switch SystemCalls.next(writesPages: true) {
    case .fail: return SystemCalls.refuse()
    case .tear:
        _ = unsafe original(descriptor, parts, max(1, count / 2))
        SystemCalls.die()
    default: return unsafe original(descriptor, parts, count)
    }
}

/// Stands in for `fdatasync`.
@c(fdatasync)
public func replacedFdatasync(_ descriptor: Int32) -> Int32 {
    typealias Function = @convention(c) (Int32) -> Int32
    let original = SystemCalls.original("fdatasync", as: Function.self)
    switch SystemCalls.next() {
    case .fail: return Int32(SystemCalls.refuse())
    case .tear: SystemCalls.die()
    default: return original(descriptor)
    }
}

/// Stands in for `ftruncate`.
@c(ftruncate)
public func replacedFtruncate(_ descriptor: Int32, _ byteCount: Int) -> Int32 {
    typealias Function = @convention(c) (Int32, Int) -> Int32
    let original = SystemCalls.original("ftruncate", as: Function.self)
    switch SystemCalls.next() {
    case .fail: return Int32(SystemCalls.refuse())
    case .tear: SystemCalls.die()
    default: return original(descriptor, byteCount)
    }
}
