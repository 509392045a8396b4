internal import Foundation
internal import LibP2P
internal import Logging
internal import NodeServices

/// A member that keeps every rule but one: `HostileMember HOME DATA JOIN LISTEN LIE`, where LIE is one
/// of ``UpdateLie``; or a stranger that sends frames: `HostileMember frames JOIN`.
@main
enum HostileMember {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.count == 2, arguments[0] == "frames", let victim = try? Multiaddr(arguments[1])
        {
            try await HostileFrames.send(to: victim)
            return
        }
        guard arguments.count == 5, let join = try? Multiaddr(arguments[2]),
            let lie = UpdateLie(rawValue: arguments[4])
        else {
            let usage = "usage: HostileMember HOME DATA JOIN LISTEN LIE | frames JOIN\n"
            FileHandle.standardError.write(Data(usage.utf8))
            exit(2)
        }
        var settings = NodeSettings()
        settings.data = [arguments[1]]
        settings.heldOut = 0
        settings.threads = 1
        settings.listen = [arguments[3]]
        var logger = Logger(label: "hostile")
        logger.logLevel = .warning
        var options = NodeOptions(
            home: NodeHome(path: arguments[0]), settings: settings, logger: logger
        ) { report in
            if case .listening(let lines) = report {
                for line in lines { print("join: \(line)") }
            }
        }
        options.join = join
        options.linger = nil
        let teller = UpdateLiar(lie: lie)
        options.alterUpdate = { teller.alter($0) }
        _ = try await Node(options: options).run()
    }
}
