internal import ArgumentParser
internal import Synchronization

/// A console that the tasks of a node share; lines come out whole.
final class SharedConsole: Sendable {
    private let console: Mutex<Console>
    let format: OutputFormat
    private let start = ContinuousClock().now

    init(format: OutputFormat) {
        self.format = format
        console = Mutex(Console(format: format))
    }

    /// Prints a record where programs read, or a sentence where people do.
    func report(_ record: JSONRecord, text: String) {
        console.withLock { $0.report(record, text: text) }
    }

    /// Prints a result line where people read; programs get records only.
    func line(_ text: String) {
        guard format == .text else { return }
        console.withLock { $0.print(text) }
    }

    /// Tells how far a long piece of work is.
    func progress(
        _ title: String, done: Int, of total: Int, since start: ContinuousClock.Instant? = nil
    ) {
        console.withLock {
            $0.progress(title, done: done, of: total, since: start ?? self.start)
        }
    }

    /// Takes the progress line off the terminal.
    func clearProgress() {
        console.withLock { $0.clearProgress() }
    }

    /// Tells why the command ends, and returns what ends it.
    func fail(_ failure: CommandFailure) -> ExitCode {
        console.withLock { $0.fail(failure) }
    }
}

extension AsyncParsableCommand {
    /// Runs the body of a command; what it throws is told and ends the program with its number.
    func withSharedConsole(
        _ output: OutputOptions,
        _ body: (SharedConsole) async throws -> Void
    ) async throws {
        let console = SharedConsole(format: output.format)
        do {
            try await body(console)
        } catch let code as ExitCode {
            throw code
        } catch {
            throw console.fail(CommandFailure(any: error))
        }
    }
}
