internal import Foundation
internal import Models
internal import TOMLKit
public import Training

/// What a person may set for a node: from `starling.toml`, the environment, and flags.
///
/// A flag wins over the environment, the environment over the file. Every key has one name in all
/// three: `listen` in the file, `STARLING_LISTEN` in the environment, `--listen` as a flag.
public struct NodeSettings: Sendable, Equatable {
    /// The addresses to listen on.
    public var listen: [String]?
    /// Addresses told to others instead of the bound ones, for a node behind a forwarded port.
    public var advertise: [String]?
    /// Relays through which others can reach this node, or `auto` or `none`; `auto` unless set.
    public var relay: [String]?
    /// Files of private text.
    public var data: [String]?
    /// The share of the text that is held out of training, 0 up to and without 1.
    public var heldOut: Double?
    /// Threads for training; cores - 1 and at least 1 where nothing is set.
    public var threads: Int?
    /// What products read; the faster type of this machine where nothing is set.
    public var compute: ComputeChoice?
    /// How the base model lies in memory; in the products' type where nothing is set.
    public var base: StorageChoice?
    /// What a training pass computes again to save memory; nothing unless set.
    public var recompute: RecomputeChoice?
    /// What the process may have resident at most; what is trained, and how, follows from it.
    public var memory: MemorySize?
    /// Which adapter of the federation the node trains; LoRA unless set.
    public var method: MethodChoice?
    /// The directions of each LoRA pair that the node trains; all unless set.
    public var rank: Int?
    /// The layers that the node trains: `all`, or `last:` and a count; all unless set.
    public var layers: String?
    /// For how many rounds the bytes of updates are kept for auditors.
    public var retainRounds: Int?
    /// `trace` … `critical`.
    public var logLevel: String?
    /// Bounds of the network, and its key.
    public var network = NetworkSettings()

    /// Settings that say nothing.
    public init() {}

    /// Reads a settings file; a file that is not there says nothing.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` naming the file, and the line or the key.
    public static func file(at path: String) throws(NodeError) -> NodeSettings {
        guard FileManager.default.fileExists(atPath: path) else { return NodeSettings() }
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let table = try TOMLTable(string: text)
            return try NodeSettings(table: table, path: path)
        } catch let error as NodeError {
            throw error
        } catch let error as TOMLParseError {
            throw NodeError(
                .invalidInput,
                "\(path), line \(error.source.begin.line): this is not TOML: \(error.description)"
            )
        } catch {
            throw NodeError(.invalidInput, "\(path) can't be read.", cause: error)
        }
    }

    private init(table: TOMLTable, path: String) throws(NodeError) {
        for key in table.keys.sorted() {
            guard let value = table[key] else { continue }
            func wrong(_ expected: String) -> NodeError {
                NodeError(.invalidInput, "\(path): '\(key)' must be \(expected).")
            }
            switch key {
            case "listen", "advertise", "relay", "data":
                guard let array = value.array else { throw wrong("a list of strings") }
                var strings: [String] = []
                for element in array {
                    guard let string = element.string else { throw wrong("a list of strings") }
                    strings.append(string)
                }
                switch key {
                case "listen": listen = strings
                case "advertise": advertise = strings
                case "relay": relay = strings
                default: data = strings
                }
            case "held-out":
                guard let number = value.double ?? value.int.map(Double.init) else {
                    throw wrong("a number")
                }
                heldOut = number
            case "threads", "retain-rounds", "rank":
                guard let number = value.int else { throw wrong("a whole number") }
                switch key {
                case "threads": threads = number
                case "rank": rank = number
                default: retainRounds = number
                }
            case "memory":
                guard let size = value.string.flatMap(MemorySize.init) else {
                    throw wrong("an amount such as \"250MB\"")
                }
                memory = size
            case "method": method = try Self.choice(value.string, else: wrong)
            case "layers":
                guard let string = value.string else { throw wrong("a string") }
                layers = string
            case "compute": compute = try Self.choice(value.string, else: wrong)
            case "base": base = try Self.choice(value.string, else: wrong)
            case "recompute": recompute = try Self.choice(value.string, else: wrong)
            case "log-level":
                guard let string = value.string else { throw wrong("a string") }
                logLevel = string
            default:
                if let name = NetworkSettings.Key(rawValue: key) {
                    guard
                        let text = value.string ?? value.int.map(String.init)
                            ?? value.bool.map(String.init)
                    else {
                        throw wrong("a number, a string or a truth value")
                    }
                    network[name] = text
                    continue
                }
                throw NodeError(
                    .invalidInput,
                    "\(path): '\(key)' is no setting; known are \(Self.keys.joined(separator: ", "))."
                )
            }
        }
    }

    /// The choice of that name; what is known is told to `fail`.
    private static func choice<Choice: SettingChoice>(
        _ text: String?, else fail: (String) -> NodeError
    ) throws(NodeError) -> Choice {
        guard let choice = text.flatMap(Choice.init(rawValue:)) else {
            throw fail(Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
        }
        return choice
    }

    /// The names of all settings, as the file writes them.
    public static let keys =
        [
            "listen", "advertise", "relay", "data", "held-out", "threads", "compute", "base",
            "recompute",
            "memory", "method", "rank", "layers", "retain-rounds", "log-level",
        ] + NetworkSettings.Key.allCases.map(\.rawValue)

    /// Reads the `STARLING_…` variables; lists are separated by commas.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` naming the variable.
    public static func environment(
        _ variables: [String: String]
    ) throws(NodeError) -> NodeSettings {
        var settings = NodeSettings()
        func variable(_ key: String) -> String? {
            let name =
                "STARLING_" + key.uppercased().replacingOccurrences(of: "-", with: "_")
            return variables[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        func list(_ key: String) -> [String]? {
            variable(key)?.split(separator: ",").map(String.init)
        }
        func number<Value: LosslessStringConvertible>(_ key: String) throws(NodeError) -> Value? {
            guard let text = variable(key) else { return nil }
            guard let value = Value(text) else {
                throw NodeError(
                    .invalidInput,
                    "The environment's setting for '\(key)' is '\(text)', which is no number."
                )
            }
            return value
        }
        func choice<Choice: SettingChoice>(_ key: String) throws(NodeError) -> Choice? {
            guard let text = variable(key) else { return nil }
            return try Self.choice(text) { expected in
                NodeError(
                    .invalidInput,
                    "The environment's setting for '\(key)' is '\(text)'; it must be \(expected)."
                )
            }
        }
        settings.listen = list("listen")
        settings.advertise = list("advertise")
        settings.relay = list("relay")
        settings.data = list("data")
        settings.heldOut = try number("held-out")
        settings.threads = try number("threads")
        settings.compute = try choice("compute")
        settings.base = try choice("base")
        settings.recompute = try choice("recompute")
        settings.memory = try number("memory")
        settings.method = try choice("method")
        settings.rank = try number("rank")
        settings.layers = variable("layers")
        settings.retainRounds = try number("retain-rounds")
        settings.logLevel = variable("log-level")
        for key in NetworkSettings.Key.allCases { settings.network[key] = variable(key.rawValue) }
        return settings
    }

    /// The threads that a node trains with where nothing is set: the network keeps a core.
    public static var standardThreadCount: Int {
        max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
    }

    /// How the node computes, where nothing else is set as this machine does it best.
    var modelOptions: ModelOptions {
        ModelOptions(
            compute: compute ?? .auto, base: base ?? .auto,
            recompute: recompute ?? RecomputeChoice.none)
    }

    /// The first setting that a plan for some memory decides.
    var givenBesideMemory: String? {
        if base ?? .auto != .auto { return "base" }
        if recompute ?? RecomputeChoice.none != .none { return "recompute" }
        if rank != nil { return "rank" }
        return layers ?? "all" == "all" ? nil : "layers"
    }

    /// What the node trains of its federation's adapter.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` for layers that can't be read.
    func trainedPart() throws(NodeError) -> TrainedPart {
        TrainedPart(
            method: method ?? .lora, rank: rank,
            lastLayerCount: try layers.flatMap(TrainedPart.lastLayerCount))
    }

    /// Fills what these settings leave open from others of lower rank.
    public func filled(from lower: NodeSettings) -> NodeSettings {
        var result = self
        result.listen = listen ?? lower.listen
        result.advertise = advertise ?? lower.advertise
        result.relay = relay ?? lower.relay
        result.data = data ?? lower.data
        result.heldOut = heldOut ?? lower.heldOut
        result.threads = threads ?? lower.threads
        result.compute = compute ?? lower.compute
        result.base = base ?? lower.base
        result.recompute = recompute ?? lower.recompute
        result.memory = memory ?? lower.memory
        result.method = method ?? lower.method
        result.rank = rank ?? lower.rank
        result.layers = layers ?? lower.layers
        result.retainRounds = retainRounds ?? lower.retainRounds
        result.logLevel = logLevel ?? lower.logLevel
        result.network = network.filled(from: lower.network)
        return result
    }
}
