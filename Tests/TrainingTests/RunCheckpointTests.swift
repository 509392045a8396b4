import Adapters
import Foundation
import Tensors
import Testing

@testable import Training

@Suite struct RunCheckpointTests {
    private func settings() -> TrainingSettings {
        TrainingSettings(
            batchSize: 3,
            sequenceLength: 24,
            learningRate: 2e-2,
            warmupStepCount: 3,
            totalStepCount: 12,
            weightDecay: 0.01,
            seed: 5,
            dropout: 0.1,
            packsRows: true
        )
    }

    private struct Run {
        let trainer: LocalTrainer
        let identity: RunIdentity
    }

    private func run(
        _ change: (inout TrainingSettings) -> Void = { _ in },
        rowCount: Int = 7,
        heldOut: Int = 2,
        isFresh: Bool = false,
        evaluation: [RunIdentity.Field] = []
    ) throws -> Run {
        var settings = settings()
        change(&settings)
        let rows = ClosedFormRun.rows(count: rowCount + heldOut)
        let data = TrainingData(
            training: Array(rows[..<rowCount]),
            heldOut: Array(rows[rowCount...])
        )
        let model = try ClosedFormRun.model(isFresh: isFresh)
        let identity = try RunIdentity(
            model: ClosedFormSource(),
            data: data,
            adapter: try #require(model.adapter),
            settings: settings,
            evaluation: evaluation
        )
        let trainer = try LocalTrainer(model: model, data: data, settings: settings)
        return Run(trainer: trainer, identity: identity)
    }

    private func checkpoint(of run: Run, stopping: EarlyStopping? = nil) -> RunCheckpoint {
        RunCheckpoint(
            step: run.trainer.completedStepCount,
            identity: run.identity,
            stopping: stopping,
            before: Evaluation(nats: 0.1 + 0.2, tokenCount: 5, byteCount: 6),
            seconds: 1.25,
            snapshot: run.trainer.snapshot()
        )
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "starling-\(UInt64.random(in: 0 ... .max))").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func `bytes are read back as they were written`() throws {
        var stopping = EarlyStopping(patience: 3)
        for loss in [2, 2.5, .nan] { _ = stopping.observe(loss) }
        let checkpoint = checkpoint(of: try run(), stopping: stopping)
        let read = try RunCheckpoint(decoding: checkpoint.encoded())
        #expect(read == checkpoint)
        #expect(read.stopping?.best == 2 && read.stopping?.sinceBest == 2)
        let fresh = RunCheckpoint(
            step: 0,
            identity: RunIdentity(fields: []),
            stopping: EarlyStopping(patience: 1),
            snapshot: []
        )
        #expect(try RunCheckpoint(decoding: fresh.encoded()) == fresh)
        #expect(fresh.stopping?.best == .infinity)
    }

    @Test func `every cut, every extra byte and every changed byte is refused`() throws {
        let bytes = RunCheckpoint(
            step: 3,
            identity: RunIdentity(fields: [.init(name: "seed", value: "1")]),
            snapshot: [1, 2, 3]
        ).encoded()
        for count in 0..<bytes.count {
            #expect(throws: RunCheckpointError.Damage.self) {
                try RunCheckpoint(decoding: Array(bytes[..<count]))
            }
        }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= UInt8(1 << (index % 8))
            #expect(throws: RunCheckpointError.Damage.self) {
                try RunCheckpoint(decoding: changed)
            }
        }
        #expect(throws: RunCheckpointError.Damage.altered) {
            try RunCheckpoint(decoding: bytes + [0])
        }
        var later = bytes
        later[4] = 2
        #expect(throws: RunCheckpointError.Damage.versionUnknown(version: 2)) {
            try RunCheckpoint(decoding: later)
        }
    }

    @Test func `a resumed run ends with the bytes of one that never stopped`() throws {
        let whole = try run()
        var expected: [StepReport] = []
        while !whole.trainer.isFinished { expected.append(try whole.trainer.step()) }
        for stop in [0, 1, 6, 11, 12] {
            try withFolder { path in
                let first = try run()
                var reports = try (0..<stop).map { _ in try first.trainer.step() }
                try CheckpointFolder(path: path, makesMissing: true).save(checkpoint(of: first))
                let second = try run()
                let folder = try CheckpointFolder(path: path, makesMissing: false)
                let found = try #require(try folder.newest())
                try second.trainer.resume(from: found, identity: second.identity)
                #expect(second.trainer.completedStepCount == stop)
                while !second.trainer.isFinished { reports.append(try second.trainer.step()) }
                #expect(reports == expected)
                #expect(second.trainer.snapshot() == whole.trainer.snapshot())
            }
        }
    }

    @Test func `the newest two are kept, and half a file does no harm`() throws {
        try withFolder { path in
            let run = try run()
            do {
                let folder = try CheckpointFolder(path: path, makesMissing: true)
                #expect(try folder.newest() == nil)
                for _ in 0..<4 {
                    _ = try run.trainer.step()
                    try folder.save(checkpoint(of: run))
                }
            }
            let kept = ["lock", "step-0000000003.checkpoint", "step-0000000004.checkpoint"]
            #expect(try names(in: path) == kept)
            // What a process leaves that is killed while it writes.
            let half = path + "/.step-0000000005.checkpoint.a1B2c3"
            try Data([0x53, 0x54]).write(to: URL(filePath: half))
            let folder = try CheckpointFolder(path: path, makesMissing: false)
            #expect(try names(in: path) == kept)
            #expect(try folder.newest()?.checkpoint.step == 4)
            #expect(throws: RunCheckpointError.folderTaken(path: path, step: 4)) {
                try folder.checkUnused()
            }
        }
    }

    @Test func `a damaged checkpoint gives way to the one before it`() throws {
        try withFolder { path in
            let run = try run()
            let folder = try CheckpointFolder(path: path, makesMissing: true)
            for _ in 0..<2 {
                _ = try run.trainer.step()
                try folder.save(checkpoint(of: run))
            }
            let newest = path + "/step-0000000002.checkpoint"
            try Data(RunCheckpoint.magic).write(to: URL(filePath: newest))
            let found = try #require(try folder.newest())
            #expect(found.checkpoint.step == 1 && found.damagedPaths == [newest])
            try Data("x".utf8).write(to: URL(filePath: path + "/step-0000000001.checkpoint"))
            #expect(
                throws: RunCheckpointError.allDamaged(path: newest, newest: .notACheckpoint)
            ) {
                try folder.newest()
            }
        }
    }

    @Test func `a folder has one owner at a time`() throws {
        try withFolder { path in
            #expect(throws: RunCheckpointError.folderMissing(path: path)) {
                try CheckpointFolder(path: path, makesMissing: false)
            }
            let folder = try CheckpointFolder(path: path, makesMissing: true)
            #expect(throws: RunCheckpointError.folderInUse(path: path)) {
                try CheckpointFolder(path: path, makesMissing: true)
            }
            try folder.checkUnused()
            let file = path + "/file"
            try Data().write(to: URL(filePath: file))
            #expect(throws: RunCheckpointError.notAFolder(path: file)) {
                try CheckpointFolder(path: file, makesMissing: true)
            }
        }
    }

    @Test func `a checkpoint of another run is refused and what differs is named`() throws {
        let run = try run()
        _ = try run.trainer.step()
        let found = CheckpointFolder.Found(
            checkpoint: checkpoint(of: run),
            path: "c",
            damagedPaths: []
        )
        func names(_ other: Run) -> [String] {
            let before = other.trainer.snapshot()
            defer { #expect(other.trainer.snapshot() == before) }
            do throws(RunCheckpointError) {
                try other.trainer.resume(from: found, identity: other.identity)
                return []
            } catch {
                guard case .ofOtherRun(_, let differences) = error else { return ["\(error)"] }
                return differences.map(\.name)
            }
        }
        #expect(names(try self.run { $0.learningRate = 1 }) == ["learning rate"])
        #expect(names(try self.run { $0.totalStepCount = 13 }) == ["steps"])
        #expect(names(try self.run { $0.dropout = 0 }) == ["dropout"])
        #expect(names(try self.run { $0.packsRows = false }) == ["packing"])
        #expect(names(try self.run { $0.gradientClip = nil }) == ["gradient clip"])
        #expect(names(try self.run { $0.seed = 6 }) == ["seed"])
        #expect(names(try self.run { $0.decay = .linear }) == ["learning rate schedule"])
        #expect(names(try self.run(rowCount: 6)) == ["training data", "held-out data"])
        #expect(names(try self.run(heldOut: 1)) == ["held-out data"])
        #expect(names(try self.run(isFresh: true)) == ["first parameters"])
        #expect(
            names(try self.run(evaluation: [.init(name: "patience", value: "2")])) == ["patience"])
        #expect(throws: Never.self) {
            let same = try self.run { $0.rowsPerPass = 1 }
            try same.trainer.resume(from: found, identity: same.identity)
        }
    }

    @Test func `a message says what differs in words`() throws {
        let here = RunIdentity(fields: [
            .init(name: "batch size", value: "2"),
            .init(name: "base model", value: "0123456789abcdef"),
        ])
        let there = RunIdentity(fields: [
            .init(name: "batch size", value: "4"),
            .init(name: "base model", value: "0123456789abcdee"),
            .init(name: "patience", value: "3"),
        ])
        let error = RunCheckpointError.ofOtherRun(
            path: "c",
            differences: here.differences(from: there)
        )
        #expect(
            "\(error)".hasPrefix(
                "c: is a checkpoint of another run; batch size is 4 there and 2 here; "
                    + "base model is another; patience is not known here; use"
            )
        )
    }
}
