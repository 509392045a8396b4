internal import ArgumentParser
internal import Foundation
internal import Kernels
internal import LibP2P
internal import Logging
internal import NodeServices
internal import Training
internal import UnixSignals

/// Runs a node.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the node: train, exchange updates, agree, until all rounds are certified.",
        discussion: """
            The first node runs where 'init' was; it prints the join line. Every other node needs \
            nothing but that line: the manifest and the base model come from the peers. Ctrl-C and \
            SIGTERM finish the step and end with 0; the next 'run' goes on from there.
            """
    )

    @Option(help: "The address of a member, as its join line says.")
    var join: String?

    @Option(help: "An invite into a federation of members, as 'members invite' prints it.")
    var invite: String?

    @Option(
        help: ArgumentHelp(
            "This node's membership certificate, as 'members admit' writes it.",
            valueName: "file"))
    var certificate: String?

    @Option(parsing: .upToNextOption, help: "Private text: files (.txt, .jsonl) or folders.")
    var data: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: "Addresses to listen on; /ip4/0.0.0.0/tcp/7411. 'none' only dials out.")
    var listen: [String] = []

    @Option(parsing: .upToNextOption, help: "Addresses to tell others in place of the bound ones.")
    var advertise: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: """
            Relays by which others reach this node, or none; unless set, peers that offer the \
            service, where nobody can dial this node.
            """)
    var relay: [String] = []

    @Option(help: "A checkpoint to take the base model from, instead of from peers.")
    var model: String?

    @Option(help: "The share of the text that is never trained on.")
    var heldOut: Double?

    @Option(help: "Threads for training; one fewer than there are cores.")
    var threads: Int?

    @Option(help: "What products read: auto (the faster one of this machine), f32 or bf16.")
    var compute: ComputeChoice?

    @Option(
        help: """
            How the base model lies in memory: auto (the type of the products), f32, bf16, stored \
            (quantised weights stay quantised), mapped (the same, read in place from the store) or \
            streamed (the same, and memory is given back after every use).
            """
    )
    var base: StorageChoice?

    @Option(help: "What training computes again to save memory: none, mlp or layer.")
    var recompute: RecomputeChoice?

    @Option(
        help: """
            What the process may have in memory at most, as 250MB, 1.5GB or 300MiB; what of the \
            federation's adapter is trained, and how, follows from it. See 'starling plan'.
            """
    )
    var memory: MemorySize?

    @Option(
        help: "What this node trains: lora, or read where the federation has a READ adapter.")
    var method: MethodChoice?

    @Option(
        help: """
            The directions of each LoRA pair that this node trains; the others stay in its forward \
            pass. All unless set.
            """)
    var rank: Int?

    @Option(help: "The layers that this node trains: all, or last:4 for the last 4.")
    var layers: String?

    @Option(help: "Rounds whose updates are kept for auditors.")
    var retainRounds: Int?

    @Option(help: "Seconds to go on serving others when all rounds are done.")
    var linger = 120

    @Flag(help: "Go on serving others until stopped.")
    var stay = false

    @Option(help: "trace, debug, info, notice, warning, error or critical; on standard error.")
    var logLevel: String?

    @OptionGroup var network: NetworkOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let heldOut, !(0..<1).contains(heldOut) {
            throw ValidationError("--held-out is \(heldOut); give a share from 0 up to 1.")
        }
        if let threads, !(1...1_024).contains(threads) {
            throw ValidationError("--threads is \(threads); give 1 to 1024.")
        }
        guard linger >= 0 else { throw ValidationError("--linger is \(linger); give 0 or more.") }
    }

    func run() async throws {
        FloatBuffer.keepLargeBlocksApart()
        try await withSharedConsole(output) { console in
            let narrator = NodeNarrator(console: console)
            let node = Node(options: try options(narrator: narrator))
            // Before anything else: a signal in the first moments would end the process unasked.
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            let ending = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in signals {
                        narrator.stopping()
                        node.stop()
                    }
                }
                let ending = try await node.run()
                group.cancelAll()
                return ending
            }
            narrator.ended(ending)
        }
    }

    private func options(narrator: NodeNarrator) throws -> NodeOptions {
        var flags = NodeSettings()
        flags.data = data.isEmpty ? nil : data
        flags.listen = listen.isEmpty ? nil : listen
        flags.advertise = advertise.isEmpty ? nil : advertise
        flags.relay = relay.isEmpty ? nil : relay
        flags.heldOut = heldOut
        flags.threads = threads
        flags.compute = compute
        flags.base = base
        flags.recompute = recompute
        flags.memory = memory
        flags.method = method
        flags.rank = rank
        flags.layers = layers
        flags.retainRounds = retainRounds
        flags.logLevel = logLevel
        flags.network = network.settings
        let settings = flags.filled(
            from: try NodeSettings.environment(ProcessInfo.processInfo.environment)
        ).filled(from: try NodeSettings.file(at: home.folder.settingsFile.path))
        var options = NodeOptions(
            home: home.folder, settings: settings, logger: try logger(settings.logLevel)
        ) { narrator.tell($0) }
        options.join = try address(join)
        options.invite = try invite.map { try InviteCode($0) }
        options.certificatePath = certificate
        options.modelPath = model
        options.linger = stay ? nil : .seconds(linger)
        return options
    }

    private func address(_ text: String?) throws -> Multiaddr? {
        guard let text else { return nil }
        do {
            return try Multiaddr(text)
        } catch {
            throw CommandFailure(
                .nodeSettingUnusable,
                "'\(text)' is no join line; it looks like /ip4/203.0.113.5/tcp/7411/p2p/12D3Koo…"
            )
        }
    }

    private func logger(_ level: String?) throws -> Logger {
        var logger = Logger(label: "starling", factory: StreamLogHandler.standardError(label:))
        guard let parsed = Logger.Level(rawValue: level ?? "warning") else {
            throw CommandFailure(
                .nodeSettingUnusable, "'\(level ?? "")' is no log level; use info or debug."
            )
        }
        logger.logLevel = parsed
        return logger
    }
}
