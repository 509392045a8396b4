internal import ArgumentParser
internal import Foundation
internal import JSONDocuments
internal import NodeServices

/// What can be done with a node's log besides auditing it.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Publish the gossip log, or prove an entry of it.",
        subcommands: [Export.self, Prove.self]
    )

    /// Writes the whole log as tiles.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Write the log as a folder of tiles: checkpoint, tile/ and tile/entries/.",
            discussion: """
                The layout is C2SP's tlog-tiles, so the folder can be served as it is and read by \
                other programs. The printed key verifies the checkpoint.
                """
        )

        @Argument(help: "Where to write; nothing may be there yet.")
        var path: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                try OutputPlace.check(path)
                let report = try await LogExport.write(home: home.folder, to: path)
                var record = JSONRecord()
                record.add("folder", path)
                record.add("entries", Int(report.entryCount))
                record.add("cosignatures", report.cosignatureCount)
                record.add("key", report.key)
                console.report(
                    record,
                    text: """
                        \(report.entryCount) entries written to \(path), \
                        \(report.cosignatureCount) cosignatures
                        key \(report.key)
                        """)
            }
        }
    }

    /// Proves one entry.
    struct Prove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prove",
            abstract: "Write the proof that an entry is in the log.",
            discussion: """
                Two files: FILE in C2SP's tlog-proof form, with the checkpoint, and FILE.leaf with \
                the entry's bytes.
                """
        )

        @Argument(help: "The index of the entry, from 0.")
        var index: UInt64

        @Argument(help: "Where to write the proof.")
        var path: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                try OutputPlace.check(path)
                try OutputPlace.check(path + ".leaf")
                let found = try await EntryProof.make(home: home.folder, index: index)
                do {
                    try Data(found.leaf).write(to: URL(filePath: path + ".leaf"))
                    try Data(found.proof).write(to: URL(filePath: path))
                } catch {
                    throw CommandFailure(.outputUnwritable, "\(path) can't be written: \(error)")
                }
                var record = JSONRecord()
                record.add("proof", path)
                record.add("leaf", path + ".leaf")
                record.add("index", Int(index))
                record.add("entries", Int(found.size))
                record.add("key", found.key)
                console.report(
                    record,
                    text: "entry \(index) of \(found.size) proven in \(path)\nkey \(found.key)")
            }
        }
    }
}
