import Dispatch
import Kernels
import Synchronization
import Testing

@Suite struct ComputeThreadsTests {
    @Test(arguments: [1, 2, 3, 2, 5])
    func `each task runs once, on workers that are told apart`(threadCount: Int) {
        ComputeThreads.with(count: threadCount) {
            for taskCount in [0, 1, 2, 7, 100] {
                let counts = Mutex([Int](repeating: 0, count: taskCount))
                let running = Mutex(Set<Int>())
                ComputeThreads.run(taskCount: taskCount) { task, worker in
                    let isNew = running.withLock { $0.insert(worker).inserted }
                    #expect(isNew && worker < threadCount)
                    counts.withLock { $0[task] += 1 }
                    _ = running.withLock { $0.remove(worker) }
                }
                #expect(counts.withLock { $0.allSatisfy { $0 == 1 } })
            }
        }
    }

    @Test func `calls inside tasks and from several threads at once all end`() {
        ComputeThreads.with(count: 3) {
            let total = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                for _ in 0..<50 {
                    ComputeThreads.run(taskCount: 4) { _, _ in
                        ComputeThreads.run(taskCount: 3) { _, _ in
                            total.add(1, ordering: .relaxed)
                        }
                    }
                }
            }
            #expect(total.load(ordering: .relaxed) == 8 * 50 * 4 * 3)
        }
    }

    @Test func `rows are split without gaps`() {
        ComputeThreads.with(count: 3) {
            for rowCount in [0, 1, 8, 23, 24, 1000] {
                let seen = Mutex([Int](repeating: 0, count: rowCount))
                ComputeThreads.split(rowCount: rowCount) { range in
                    seen.withLock { for row in range { $0[row] += 1 } }
                }
                #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
            }
        }
    }

    @Test func `a count outside the range is moved inside, and goes back afterwards`() {
        ComputeThreads.with(count: -4) { #expect(ComputeThreads.count == 1) }
        ComputeThreads.with(count: 1 << 40) { #expect(ComputeThreads.count == 256) }
        ComputeThreads.with(count: 2) { #expect(ComputeThreads.count == 2) }
    }
}
