internal import ArgumentParser

/// The root command: its subcommands have one file each.
@main
struct Starling: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "starling",
        abstract: "Fine-tunes adapters of a language model, alone or together with other nodes.",
        discussion: "Exit codes are listed in docs/exit-codes.md.",
        subcommands: [
            InitCommand.self, PlanCommand.self, RunCommand.self, PeersCommand.self,
            MembersCommand.self, StatusCommand.self,
            ExportCommand.self, VerifyCommand.self, AuditCommand.self, LogCommand.self,
            TrainCommand.self, EvalCommand.self,
            GenerateCommand.self, SimulateCommand.self, BenchCommand.self, DoctorCommand.self,
        ]
    )
}
