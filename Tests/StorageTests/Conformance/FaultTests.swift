import Cryptography
import GossipLog
import Storage
import Synchronization
import Testing

/// Fails step N of the write transactions for N = 1, 2, … until a run passes, and looks at the
/// store after each failure.
@Suite struct FaultTests {
    @Test func `a step that fails leaves a committed state and a log that holds`() throws {
        let reference = try states(failingAt: nil).states
        #expect(reference.count == 5)
        var number = 1
        while true {
            let run = try states(failingAt: number)
            #expect(run.isLogSound, "step \(number)")
            #expect(reference.contains(run.reopened), "step \(number)")
            if run.error == nil { break }
            #expect(run.error == Self.failure, "step \(number)")
            // A failure before the commit leaves the state before it; one after it, the new one.
            let before = max(0, run.states.count - 1)
            #expect(reference[before...].prefix(2).contains(run.reopened), "step \(number)")
            number += 1
            try #require(number < 200)
        }
        #expect(number > 30)
    }

    private static let failure = StorageError.diskFull(path: "test", call: "test", code: 28)

    private struct Run {
        var states: [[UInt8]] = []
        var error: StorageError?
        var reopened: [UInt8] = []
        var isLogSound = false
    }

    private func states(failingAt number: Int?) throws -> Run {
        let folder = try TemporaryFolder()
        let key = try #require(SigningKey(seed: [UInt8](repeating: 5, count: 32)))
        let signer = try NoteSigner(name: "starling.example/log", signingKey: key)
        let steps = Counter()
        let faults = WriteFaults { _ throws(StorageError) in
            if steps.next() == number { throw Self.failure }
        }
        var run = Run()
        do {
            let store = try StateStore(
                folder: folder.state, limits: StateStore.mapLimits, faults: faults
            )
            run.states.append(try store.digestOfAllTables())
            for round in 1...4 {
                try write(UInt8(round), to: store, signer: signer)
                run.states.append(try store.digestOfAllTables())
            }
        } catch let error as StorageError {
            run.error = error
        }
        let store = try StateStore(folder: folder.state)
        run.reopened = try store.digestOfAllTables()
        run.isLogSound =
            try store.read { (transaction) throws(StorageError) in
                try transaction.auditLog(key: signer.key)
            }.error == nil
        return run
    }

    private func write(_ round: UInt8, to store: StateStore, signer: NoteSigner) throws {
        let id = [UInt8](repeating: round, count: 32)
        let entry = try LogEntry(
            kind: .result, timeMilliseconds: 1, payload: [round], evidence: [round, round]
        )
        try store.write { (transaction) throws(StorageError) in
            try transaction.putRecord("round", [round])
            try transaction.putObject([1, 2, round], manifest: [round], id: id)
            try transaction.putEntry(height: UInt64(round), [round])
            try transaction.deletePeer([round - 1])
            try transaction.putPeer([round], [round])
            try transaction.appendLog([entry], signer: signer)
        }
    }
}

extension Result {
    fileprivate var error: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}

private final class Counter: Sendable {
    private let count = Atomic(0)

    func next() -> Int {
        count.add(1, ordering: .relaxed).newValue
    }
}
