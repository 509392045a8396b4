internal import Federation
internal import Foundation
internal import LibP2P

/// Writes what a running node says of itself to `status.json`, for `starling status`.
struct StatusWriter: Sendable {
    let file: URL
    let peerID: PeerID
    /// What the node trains, if nothing that is in training says otherwise; `nil` for nothing.
    let part: TrainedPart?

    /// The method of a node that trains nothing.
    static let noMethod = "none"

    /// What the file holds.
    struct Snapshot: Codable, Sendable {
        var processID: Int32
        var peerID: String
        var phase: String
        var view: UInt64
        var connectedPeers: [String]
        var reachableMembers: [String]
        var secondsToDeadline: Double
        var trainingRound: UInt64?
        var trainingStep: Int?
        var trainingStepCount: Int?
        var trainingLoss: Double?
        var method: String?
        var trainedRank: Int?
        var trainedLayerCount: Int?
        var residentByteCount: Int
        var writtenAtSeconds: Double
    }

    /// Replaces the file; a failure is not worth ending a run for.
    func write(_ status: PeerStatus, connected: [PeerID], training: TrainingProgress?) {
        let part = training?.part ?? part
        let snapshot = Snapshot(
            processID: ProcessInfo.processInfo.processIdentifier,
            peerID: peerID.description,
            phase: status.phase.rawValue,
            view: status.view,
            connectedPeers: connected.map(\.description),
            reachableMembers: status.reachableMembers.map {
                PeerID(publicKey: $0).description
            },
            secondsToDeadline: status.secondsToDeadline,
            trainingRound: training?.round,
            trainingStep: training?.step,
            trainingStepCount: training?.stepCount,
            trainingLoss: training?.loss,
            method: part.map(\.method.rawValue) ?? Self.noMethod,
            trainedRank: part?.rank,
            trainedLayerCount: part?.lastLayerCount,
            residentByteCount: Self.residentByteCount(),
            writtenAtSeconds: Date().timeIntervalSince1970
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(snapshot) else { return }
        try? LiveFile.replace(file, with: data)
    }

    /// The newest snapshot, if its process still runs.
    static func read(_ file: URL) -> Snapshot? {
        guard let data = try? Data(contentsOf: file), data.count < 1 << 20,
            let snapshot = try? JSONDecoder().decode(Snapshot.self, from: data),
            kill(snapshot.processID, 0) == 0
        else { return nil }
        return snapshot
    }

    private static func residentByteCount() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .ascii) else {
            return 0
        }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(getpagesize())
    }
}
