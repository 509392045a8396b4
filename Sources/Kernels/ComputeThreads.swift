internal import CKernels
internal import Glibc
internal import Synchronization

/// The threads that work on one operation together.
///
/// They are a pool of the kernels' own: Swift's cooperative threads never compute, and the
/// libraries' own threads stay unused. For a fixed number of threads every result is the same bits
/// each time, whichever thread computes which part.
public enum ComputeThreads {
    /// Sets the number of threads, the caller among them.
    ///
    /// Values outside 1...256 are moved to the nearer end. Call it once at start.
    public static func set(_ count: Int) {
        sk_threads_set(count)
    }

    /// The number of threads; 1 until it is set.
    public static var count: Int { sk_threads_count() }

    /// Sets the number of threads for the length of a call; two such calls wait for one another.
    ///
    /// For tests, which run side by side in one process: inside, results are the same bits each
    /// time. Calls don't nest.
    package static func with<Failure: Error>(
        count: Int,
        _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        try exclusive.withLock { (_: inout sending Void) throws(Failure) in
            let before = self.count
            set(count)
            defer { set(before) }
            try body()
        }
    }

    private static let exclusive = Mutex(())

    /// Runs tasks on all threads and returns when all have ended.
    ///
    /// Tasks must not write to the same place. A nested call, or one made while another thread's
    /// call is in progress, runs on its caller alone.
    ///
    /// - Parameters:
    ///   - workerCount: the most threads; fewer run where fewer are set.
    ///   - body: `worker` is below `workerCount` and differs between tasks that run at the same
    ///     time, so it can choose scratch memory.
    package static func run(
        taskCount: Int,
        workerCount: Int = .max,
        _ body: (_ task: Int, _ worker: Int) -> Void
    ) {
        withoutActuallyEscaping(body) { escapable in
            let call = Call(body: escapable)
            withExtendedLifetime(call) {
                unsafe sk_parallel(
                    taskCount,
                    workerCount,
                    { context, task, worker in
                        guard let context = unsafe context else { return }
                        let call = unsafe Unmanaged<Call>.fromOpaque(context)
                        unsafe call._withUnsafeGuaranteedRef { $0.body(task, worker) }
                    },
                    Unmanaged.passUnretained(call).toOpaque()
                )
            }
        }
    }

    /// Splits rows into one range per thread and runs them at the same time.
    ///
    /// - Parameter grain: ranges are not made shorter than this.
    package static func split(rowCount: Int, grain: Int = 8, _ body: (Range<Int>) -> Void) {
        let parts = max(1, min(count, rowCount / max(grain, 1)))
        guard parts > 1 else {
            if rowCount > 0 { body(0..<rowCount) }
            return
        }
        run(taskCount: parts) { part, _ in
            body(rowCount * part / parts..<rowCount * (part + 1) / parts)
        }
    }

    private final class Call {
        let body: (Int, Int) -> Void

        init(body: @escaping (Int, Int) -> Void) {
            self.body = body
        }
    }
}
