internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P
internal import Logging
internal import Transports

extension FederationService {
    /// What the service is made of.
    struct Parts: Sendable {
        let manifest: SignedManifest
        let store: NodeStore
        /// `nil` for a node that has too little memory to train.
        let trainer: RoundTrainer?
        /// `nil` in a federation that certifies.
        let publisher: StatePublisher?
        let aggregation: AggregationWorker
        let swarm: Swarm
        let messenger: GroupMessenger
        /// `nil` where rounds are not secure.
        let secure: SecureParts?
        let fetcher: ObjectFetcher
        let connector: PeerConnector
        let witness: WitnessService
        let announcements: AnnouncementService
        let access: AccessRules
        let status: StatusWriter
        /// Where commands leave certificates and revocations.
        let admissionFolder: URL
        let settings: FederationSettings
        let logger: Logger
        let report: @Sendable (NodeReport) -> Void

        /// Whether every member has an adapter of its own.
        var isGossip: Bool { manifest.manifest.exchange.kind.isGossip }
    }
}

/// How a federation is run, beyond its manifest.
struct FederationSettings: Sendable {
    /// How long a finished node goes on serving members that lack the end; nil means for ever.
    var linger: Duration?
    /// How long a refused peer may still read why.
    var refusalGrace = Duration.milliseconds(500)
    /// For how many rounds the bytes of updates and adapters are kept for auditors.
    var retainedRoundCount = 8
    /// How long after everybody has the end: some of their status messages, so that the others
    /// hear that this node has it too.
    var farewell = Duration.seconds(3)
}
