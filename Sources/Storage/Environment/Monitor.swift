internal import Glibc

/// A lock with a condition to wait for.
///
/// Unlike `Mutex` it can be held across a call that is given from outside, and waited on.
@safe
final class Monitor: @unchecked Sendable {
    // Both are only touched through pthread calls, which are safe on any thread.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        Self.require(unsafe pthread_mutex_init(mutex, nil), "pthread_mutex_init")
        Self.require(unsafe pthread_cond_init(condition, nil), "pthread_cond_init")
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    func lock() {
        Self.require(unsafe pthread_mutex_lock(mutex), "pthread_mutex_lock")
    }

    func unlock() {
        Self.require(unsafe pthread_mutex_unlock(mutex), "pthread_mutex_unlock")
    }

    /// Waits for a signal; the lock is held before and after, and free in between.
    func wait() {
        Self.require(unsafe pthread_cond_wait(condition, mutex), "pthread_cond_wait")
    }

    func signal() {
        Self.require(unsafe pthread_cond_signal(condition), "pthread_cond_signal")
    }

    private static func require(_ code: Int32, _ call: StaticString) {
        precondition(code == 0, "\(call) returned \(code)")
    }
}
