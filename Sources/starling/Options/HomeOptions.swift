internal import ArgumentParser
internal import Foundation
internal import NodeServices

/// What every command that works on a node's home takes.
struct HomeOptions: ParsableArguments {
    @Option(help: "The node's folder; STARLING_HOME, else ~/.local/share/starling.")
    var home: String?

    /// The folder.
    var folder: NodeHome {
        home.map(NodeHome.init(path:))
            ?? .standard(environment: ProcessInfo.processInfo.environment)
    }
}
