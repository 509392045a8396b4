import Cryptography
import Tensors

@testable import Federation

/// A federation of members in one process: instances with disks, messages in order and at once.
///
/// Training gives each member an update of its own after a second, and a sum is a digest of its
/// participants. `cut` takes nodes off the network.
struct AdmissionNetwork {
    struct Node {
        let key: SigningKey
        var membership: MembershipChain?
        var instance: PeerInstance?
        var entries: [[UInt8]] = []
        var records: [String: [UInt8]] = [:]
        var log: [LogRecord] = []
        var notifications: [Notification] = []
        var refusals: [RejectReason] = []
        /// To whom this node served objects.
        var served: Set<PublicKey> = []

        var isOver: Bool {
            notifications.contains { if case .membershipOver = $0 { true } else { false } }
        }
    }

    let fixture: AdmissionFixture
    var nodes: [Node]
    var cut: Set<Int> = []
    var milliseconds: UInt64 = 1000
    private var queue: [(from: Int, to: Int, bytes: [UInt8])] = []
    private var links: Set<[Int]> = []
    private var trainings: [(at: UInt64, node: Int, event: Event)] = []
    /// Whether a node stops after so many of its next directives.
    var stopsAfter: [Int: Int] = [:]

    var now: Timestamp { Timestamp(milliseconds: milliseconds) }

    /// Node i has key i + 1; the first two are issuers, the others get certificates.
    init(count: Int, certified: Int? = nil) throws {
        fixture = try AdmissionFixture()
        nodes = (0..<count).map { Node(key: Fixtures.key(UInt8($0 + 1))) }
        for index in 2..<(certified ?? count) {
            nodes[index].membership = fixture.chain(of: UInt8(index + 1))
        }
        for index in nodes.indices { try start(index) }
    }

    func key(_ index: Int) -> PublicKey { nodes[index].key.publicKey }

    func status(_ index: Int) -> PeerStatus? { nodes[index].instance?.status(now: now) }

    /// A life with what is on the disk.
    mutating func start(_ index: Int) throws {
        nodes[index].instance = try PeerInstance(
            restored: RestoredState(
                manifest: fixture.manifest, entries: nodes[index].entries,
                records: nodes[index].records),
            baseModelDigest: fixture.manifest.manifest.baseModelDigest, signer: nodes[index].key,
            admission: AdmissionSetup(
                membership: nodes[index].membership, zeroSeconds: AdmissionFixture.now),
            now: now)
        links = links.filter { !$0.contains(index) }
        tell(index, .started)
        tell(index, .objectFetched(Fixtures.adapterDigest, .adapter))
    }

    mutating func kill(_ index: Int) {
        nodes[index].instance = nil
        queue.removeAll { $0.from == index || $0.to == index }
        trainings.removeAll { $0.node == index }
        for link in links where link.contains(index) {
            links.remove(link)
            for other in link where other != index { tell(other, .disconnected(key(index))) }
        }
    }

    /// Lets time pass: connections come about, messages arrive, clocks tick.
    mutating func pass(seconds: Double) {
        let end = milliseconds + UInt64(seconds * 1000)
        while milliseconds < end {
            milliseconds += 250
            connect()
            for index in nodes.indices { tell(index, .tick) }
            let due = trainings.filter { $0.at <= milliseconds }
            trainings.removeAll { $0.at <= milliseconds }
            for training in due { tell(training.node, training.event) }
            deliver()
        }
    }

    private mutating func connect() {
        for first in nodes.indices {
            for second in nodes.indices where first < second {
                let canReach =
                    nodes[first].instance != nil && nodes[second].instance != nil
                    && !cut.contains(first) && !cut.contains(second)
                if canReach, links.insert([first, second]).inserted {
                    tell(first, .connected(key(second)))
                    tell(second, .connected(key(first)))
                } else if !canReach, links.remove([first, second]) != nil {
                    tell(first, .disconnected(key(second)))
                    tell(second, .disconnected(key(first)))
                }
            }
        }
    }

    private mutating func deliver() {
        var count = 0
        while !queue.isEmpty, count < 20_000 {
            count += 1
            let item = queue.removeFirst()
            guard links.contains([min(item.from, item.to), max(item.from, item.to)]) else {
                continue
            }
            tell(item.to, .received(from: key(item.from), bytes: item.bytes))
        }
        precondition(count < 20_000, "the nodes talk without an end")
    }

    mutating func tell(_ index: Int, _ event: Event) {
        let now = now
        guard let directives = nodes[index].instance?.handle(event, now: now) else { return }
        for directive in directives {
            if let left = stopsAfter[index] {
                guard left > 0 else {
                    stopsAfter[index] = nil
                    kill(index)
                    return
                }
                stopsAfter[index] = left - 1
            }
            carryOut(directive, of: index)
        }
    }

    private mutating func carryOut(_ directive: Directive, of index: Int) {
        switch directive {
        case .persist(let key, let value): nodes[index].records[key] = value
        case .forget(let keys): for key in keys { nodes[index].records[key] = nil }
        case .persistEntry(_, let bytes): nodes[index].entries.append(bytes)
        case .appendLog(let record): nodes[index].log.append(record)
        case .send(let receivers, let bytes):
            for receiver in receivers {
                guard let to = nodes.firstIndex(where: { $0.key.publicKey == receiver }) else {
                    continue
                }
                queue.append((index, to, bytes))
            }
        case .sendChain(let height, let receiver):
            var batch = ChainBatch()
            for entry in nodes[index].entries.dropFirst(Int(height) - 1) {
                guard batch.add(entry) else { break }
            }
            guard let message = batch.message,
                let to = nodes.firstIndex(where: { $0.key.publicKey == receiver })
            else { break }
            queue.append((index, to, message))
        case .startTraining(let round, let base):
            let summary = UpdateSummary(
                objectID: Fixtures.digest("update \(round) \(index)"), member: key(index),
                round: round, baseAdapterDigest: base, exampleCount: 8, byteCount: 100)
            trainings.append(
                (milliseconds + 1000, index, .updateReady(round: round, summary: summary)))
        case .fetch(let order): fetch(order, for: index)
        case .aggregate(let order):
            let text = order.participants.map { "\($0.objectID)" }.joined()
            tell(
                index,
                .aggregated(
                    height: order.height,
                    outcome: AggregateOutcome(
                        sumDigest: Fixtures.digest("sum" + text),
                        adapterDigest: Fixtures.digest("adapter" + text))))
        case .refuse(let peer, let reason):
            nodes[index].refusals.append(reason)
            guard let other = nodes.firstIndex(where: { $0.key.publicKey == peer }) else { break }
            // What was sent before still arrives; the peer dials again at once.
            deliverAll(from: index, to: other)
            if links.remove([min(index, other), max(index, other)]) != nil {
                tell(index, .disconnected(peer))
                tell(other, .disconnected(key(index)))
            }
        case .notify(let notification): nodes[index].notifications.append(notification)
        default: break
        }
    }

    private mutating func deliverAll(from: Int, to: Int) {
        let messages = queue.filter { $0.from == from && $0.to == to }
        queue.removeAll { $0.from == from && $0.to == to }
        for message in messages { tell(to, .received(from: key(from), bytes: message.bytes)) }
    }

    /// A node serves what the rules of a shell let it.
    private mutating func fetch(_ order: FetchOrder, for index: Int) {
        for source in order.sources {
            guard let holder = nodes.firstIndex(where: { $0.key.publicKey == source }),
                links.contains([min(index, holder), max(index, holder)]),
                let registry = nodes[holder].instance?.admissionRegistry
            else { continue }
            let seconds = AdmissionFixture.now + milliseconds / 1000
            guard registry.refusal(of: key(index), at: seconds) == nil else { continue }
            nodes[holder].served.insert(key(index))
            switch order.kind {
            case .update(let summary):
                tell(index, .objectFetched(order.objectID, .update(.success(summary))))
            case .adapter, .state: tell(index, .objectFetched(order.objectID, .adapter))
            }
            return
        }
        tell(index, .objectFetchFailed(order.objectID))
    }
}
