import Glibc
import Storage
import Synchronization
import Testing

private actor Recorder {
    private let executor: SerialThreadExecutor
    private(set) var numbers: [Int] = []
    private(set) var threads: Set<UInt> = []

    init(executor: SerialThreadExecutor) {
        self.executor = executor
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    func record(_ number: Int) {
        numbers.append(number)
        threads.insert(UInt(pthread_self()))
        assertIsolated()
    }
}

@Suite struct SerialThreadExecutorTests {
    @Test func `jobs run one after the other on one thread that is not the caller's`() async {
        let recorder = Recorder(executor: SerialThreadExecutor(name: "recorder"))
        for number in 0..<100 {
            await recorder.record(number)
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 100..<200 {
                group.addTask { await recorder.record(number) }
            }
        }
        let numbers = await recorder.numbers
        #expect(Array(numbers.prefix(100)) == Array(0..<100))
        #expect(numbers.sorted() == Array(0..<200))
        #expect(await recorder.threads.count == 1)
    }

    @Test func `two executors do not wait for each other`() async {
        let first = Recorder(executor: SerialThreadExecutor(name: "first"))
        let second = Recorder(executor: SerialThreadExecutor(name: "second"))
        async let one: Void = first.record(1)
        async let two: Void = second.record(2)
        _ = await (one, two)
        let threads = await first.threads.union(second.threads)
        #expect(threads.count == 2)
    }
}
