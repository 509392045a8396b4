import Foundation
import LibP2P
import NodeServices
import Testing
import Transports

@Suite struct NetworkSettingsTests {
    typealias Key = NetworkSettings.Key

    @Test func `nothing said means the limits of the specification`() throws {
        let settings = NetworkSettings()
        #expect(try settings.limits() == TransportLimits())
        #expect(try settings.key() == nil)
    }

    @Test func `every setting reaches its limit`() throws {
        var settings = NetworkSettings()
        let values: [Key: String] = [
            .connectionCountMax: "60", .connectionCountMaxPerAddress: "3",
            .streamCountMaxPerPeer: "32", .streamOpenRate: "10", .memory: "128MiB",
            .memoryPerPeer: "16MiB", .upload: "4MB", .download: "500kB",
        ]
        for (key, value) in values { settings[key] = value }
        var expected = TransportLimits()
        expected.connectionCountMax = 60
        expected.inboundConnectionCountMax = 50
        expected.connectionCountMaxPerAddress = 3
        expected.upgradeCountMaxPerAddress = 3
        expected.inboundStreamCountMaxPerConnection = 32
        expected.inboundStreamCountMaxPerProtocol = 32
        expected.streamCountMaxPerPeer = 64
        expected.streamOpenRatePerSecond = 10
        expected.streamOpenBurst = 40
        expected.memoryByteCountMax = 128 << 20
        expected.memoryByteCountMaxPerPeer = 16 << 20
        expected.sentBytesPerSecondMax = 4_000_000
        expected.receivedBytesPerSecondMax = 500_000
        #expect(try settings.limits() == expected)
        settings[.memory] = "8MiB"
        #expect(try settings.limits().memoryByteCountMaxPerPeer == 8 << 20)
    }

    @Test(arguments: [
        (Key.connectionCountMax, "3"), (.connectionCountMax, "many"),
        (.connectionCountMaxPerAddress, "0"), (.streamCountMaxPerPeer, "-1"),
        (.streamOpenRate, "0"), (.memory, "1MB"), (.memoryPerPeer, "x"), (.upload, "10kB"),
        (.download, "-4MB"),
    ])
    func `what makes no sense is named with its range`(key: Key, value: String) {
        var settings = NetworkSettings()
        settings[key] = value
        do {
            _ = try settings.limits()
            Issue.record("\(key) = \(value) was taken")
        } catch {
            #expect(error.code == .invalidInput)
            #expect(error.message.contains(key.rawValue) && error.message.contains("'\(value)'"))
        }
    }

    @Test func `a node is a relay only when told so, with the bounds that are set`() throws {
        var settings = NetworkSettings()
        #expect(try settings.relay() == nil)
        settings[.relayService] = "true"
        #expect(try settings.relay() == RelayHopSettings())
        settings[.relayData] = "64MiB"
        settings[.relayMinutes] = "10"
        settings[.relayPeers] = "5"
        let relay = try #require(try settings.relay())
        #expect(relay.limit == CircuitLimit(seconds: 600, byteCount: 64 << 20))
        #expect(relay.reservationCountMax == 5 && relay.reservationCountMaxPerAddress == 5)
        settings[.relayService] = "false"
        #expect(try settings.relay() == nil)
    }

    @Test(arguments: [
        (Key.relayService, "perhaps"), (.relayData, "100kB"), (.relayMinutes, "0"),
        (.relayPeers, "none"),
    ])
    func `a relay that makes no sense is named`(key: Key, value: String) {
        var settings = NetworkSettings()
        settings[.relayService] = "true"
        settings[key] = value
        let error = #expect(throws: NodeError.self) { try settings.relay() }
        #expect(error?.code == .invalidInput && error?.message.contains(key.rawValue) == true)
    }

    @Test func `a file says with a truth value whether a node is a relay`() throws {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "relay-\(UUID().uuidString).toml")
        try Data("relay-service = true\nrelay = [\"none\"]\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let settings = try NodeSettings.file(at: file.path)
        #expect(settings.network[.relayService] == "true" && settings.relay == ["none"])
        let variables = ["STARLING_RELAY_SERVICE": "1", "STARLING_RELAY": "a,b"]
        let environment = try NodeSettings.environment(variables)
        #expect(environment.relay == ["a", "b"])
        #expect(try environment.network.relay() != nil)
    }

    @Test func `a file, the environment and flags say the same by the same names`() throws {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "network-\(UUID().uuidString).toml")
        try Data("max-connections = 50\nmax-upload = \"1MB\"\nnetwork-key = \"k\"\n".utf8)
            .write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let low = try NodeSettings.file(at: file.path)
        let environment = try NodeSettings.environment([
            "STARLING_MAX_UPLOAD": "2MB", "STARLING_MAX_STREAMS_PER_PEER": "64",
        ])
        var flags = NodeSettings()
        flags.network[.streamCountMaxPerPeer] = "128"
        let network = flags.filled(from: environment).filled(from: low).network
        #expect(network[.connectionCountMax] == "50")
        #expect(network[.upload] == "2MB")
        #expect(network[.streamCountMaxPerPeer] == "128")
        #expect(network[.networkKey] == "k")
        for key in Key.allCases { #expect(NodeSettings.keys.contains(key.rawValue)) }
    }

    @Test func `a network key is made once, is private, and is refused where others read it`()
        throws
    {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "key-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "swarm.key").path
        func code(_ body: () throws -> Void) -> NodeError.Code? {
            do { try body() } catch { return (error as? NodeError)?.code }
            return nil
        }
        var settings = NetworkSettings()
        settings[.networkKey] = path
        #expect(code { _ = try settings.key() } == .notFound)
        let fingerprint = try NetworkKeyFile.create(path: path)
        #expect(try settings.key()?.fingerprint == fingerprint)
        #expect(code { _ = try NetworkKeyFile.create(path: path) } == .invalidInput)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(code { _ = try settings.key() } == .invalidInput)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try Data("hello".utf8).write(to: URL(fileURLWithPath: path))
        #expect(code { _ = try settings.key() } == .invalidInput)
    }
}
