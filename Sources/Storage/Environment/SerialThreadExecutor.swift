internal import Glibc

/// Runs the jobs of actors one after the other on a thread of its own.
///
/// The store's calls wait for the disk and therefore never run on the cooperative pool: an actor
/// that owns a store returns this executor's `asUnownedSerialExecutor()` as its `unownedExecutor`
/// and keeps the executor alive. The thread ends when the executor is no longer referenced, after
/// the jobs that were already enqueued.
public final class SerialThreadExecutor: SerialExecutor {
    private let worker: Worker

    /// Starts the thread; of the name, the first 15 bytes show in the system's thread list.
    public init(name: String) {
        worker = Worker(name: name)
        worker.start()
    }

    deinit {
        worker.stop()
    }

    /// Adds a job behind those that wait.
    public func enqueue(_ job: consuming ExecutorJob) {
        unsafe worker.add(UnownedJob(job), on: asUnownedSerialExecutor())
    }

    /// Whether the caller runs on the executor's thread.
    public func isIsolatingCurrentContext() -> Bool? {
        worker.isCurrentThread
    }

    /// Stops the program unless the caller runs on the executor's thread.
    public func checkIsolated() {
        precondition(worker.isCurrentThread, "not on the executor's thread")
    }
}

/// The queue and its thread; the thread keeps it alive, not the executor.
@safe
private final class Worker: @unchecked Sendable {
    @safe
    private struct Item {
        let job: UnownedJob
        let executor: UnownedSerialExecutor
    }

    // All of these are guarded by the monitor.
    private let monitor = Monitor()
    private var items: [Item] = []
    private var isStopping = false
    private var thread: pthread_t?
    private let name: String

    init(name: String) {
        self.name = name
    }

    var isCurrentThread: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        guard let thread = thread else { return false }
        return pthread_equal(thread, pthread_self()) != 0
    }

    func start() {
        monitor.lock()
        defer { monitor.unlock() }
        var thread = pthread_t()
        let worker = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, worker
        )
        precondition(code == 0, "pthread_create returned \(code)")
        self.thread = thread
        pthread_detach(thread)
    }

    func add(_ job: UnownedJob, on executor: UnownedSerialExecutor) {
        monitor.lock()
        defer { monitor.unlock() }
        unsafe items.append(Item(job: job, executor: executor))
        monitor.signal()
    }

    func stop() {
        monitor.lock()
        defer { monitor.unlock() }
        isStopping = true
        monitor.signal()
    }

    private func run() {
        nameThread()
        while let batch = next() {
            for item in batch {
                unsafe item.job.runSynchronously(on: item.executor)
            }
        }
    }

    /// Names the calling thread for the system's thread list; nothing depends on it.
    private func nameThread() {
        let descriptor = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        let bytes = Array(name.utf8.prefix(15))
        _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    /// The jobs that wait, once there are any; nil when the thread is to end.
    private func next() -> [Item]? {
        monitor.lock()
        defer { monitor.unlock() }
        while items.isEmpty {
            if isStopping { return nil }
            monitor.wait()
        }
        let batch = items
        items = []
        return batch
    }
}
