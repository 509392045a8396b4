/// The messages of the last heartbeats, to announce and to answer IWANT with.
struct MessageHistory {
    struct Entry {
        let message: GossipMessage
        var transmissionCounts: [PeerID: Int] = [:]
    }

    private let windowCount: Int
    private let announcedCount: Int
    private let byteCountMax: Int
    private var entries: [GossipMessageID: Entry] = [:]
    /// The ids of each heartbeat, the newest first.
    private var windows: [[GossipMessageID]]
    private(set) var byteCount = 0

    init(windowCount: Int, announcedCount: Int, byteCountMax: Int) {
        precondition(windowCount > 0, "\(windowCount) windows")
        self.windowCount = windowCount
        self.announcedCount = announcedCount
        self.byteCountMax = byteCountMax
        windows = Array(repeating: [], count: windowCount)
    }

    var count: Int { entries.count }

    mutating func insert(_ message: GossipMessage) {
        let id = message.id
        guard entries[id] == nil, message.bytes.count <= byteCountMax else { return }
        entries[id] = Entry(message: message)
        windows[0].append(id)
        byteCount += message.bytes.count
        while byteCount > byteCountMax { removeOldest() }
    }

    /// The messages of a topic that are to be announced, the newest heartbeat first.
    func announcedIDs(of topic: String) -> [GossipMessageID] {
        windows.prefix(announcedCount).joined().filter { entries[$0]?.message.topic == topic }
    }

    /// A message for a peer that asks for it, and how often it has asked, this time included.
    mutating func take(
        _ id: GossipMessageID, for peer: PeerID
    ) -> (message: GossipMessage, count: Int)? {
        guard var entry = entries[id] else { return nil }
        entry.transmissionCounts[peer, default: 0] += 1
        entries[id] = entry
        return (entry.message, entry.transmissionCounts[peer] ?? 0)
    }

    /// Begins the window of the next heartbeat.
    mutating func shift() {
        for id in windows.removeLast() { remove(id) }
        windows.insert([], at: 0)
    }

    private mutating func remove(_ id: GossipMessageID) {
        if let entry = entries.removeValue(forKey: id) { byteCount -= entry.message.bytes.count }
    }

    private mutating func removeOldest() {
        guard let index = windows.lastIndex(where: { !$0.isEmpty }) else { return }
        remove(windows[index].removeFirst())
    }
}
