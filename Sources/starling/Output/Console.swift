internal import ArgumentParser
internal import Foundation

/// Writes results to standard output, and progress and errors to standard error.
///
/// On a terminal, progress is one line that is written over; into a pipe or a file it is plain
/// lines, the last of every ten seconds.
final class Console {
    /// How results are printed.
    let format: OutputFormat

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let clock = ContinuousClock()
    private var lastProgress: ContinuousClock.Instant?
    private var hasProgressLine = false

    /// Whether a result could not be printed, as into a pipe that nobody reads or a full disk.
    private(set) var hasLostResults = false

    init(format: OutputFormat) {
        self.format = format
    }

    /// Prints a result line at once, also into a pipe.
    func print(_ line: String) {
        clearProgress()
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
        } catch {
            hasLostResults = true
        }
    }

    /// Prints a record where programs read, or a sentence where people do.
    func report(_ record: JSONRecord, text: @autoclosure () -> String) {
        print(format == .json ? record.line : text())
    }

    /// Tells something beside the results.
    func note(_ line: String) {
        clearProgress()
        write(line + "\n")
    }

    /// Tells how far a long piece of work is.
    func progress(_ title: String, done: Int, of total: Int, since start: ContinuousClock.Instant) {
        let now = clock.now
        let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(10)
        if let lastProgress, now - lastProgress < pause { return }
        if lastProgress == nil, !isTerminal {
            // Short work stays silent in a log.
            lastProgress = now
            return
        }
        lastProgress = now
        var line = "\(title) \(done) of \(total)"
        if let left = Self.timeLeft(done: done, of: total, elapsed: now - start) {
            line += ", \(Self.text(of: left)) left"
        }
        if isTerminal {
            write("\r\u{1B}[K" + line)
            hasProgressLine = true
        } else {
            write(line + "\n")
        }
    }

    /// Takes the progress line off the terminal.
    func clearProgress() {
        guard hasProgressLine else { return }
        write("\r\u{1B}[K")
        hasProgressLine = false
    }

    /// Tells why the command ends, and returns what ends it.
    func fail(_ failure: CommandFailure) -> ExitCode {
        clearProgress()
        if format == .json {
            var error = JSONRecord()
            error.add("code", Int(failure.reason.rawValue))
            error.add("reason", failure.reason.name)
            error.add("message", failure.description)
            var record = JSONRecord()
            record.add("error", error.value)
            write(record.line + "\n")
        } else {
            write("error: \(failure)\n")
        }
        return failure.reason.exitCode
    }

    /// The rest of the work at the speed so far.
    static func timeLeft(done: Int, of total: Int, elapsed: Duration) -> Duration? {
        guard done > 0, total > done else { return nil }
        return elapsed / done * (total - done)
    }

    /// A duration as people say it: `41 s`, `3 min 20 s`, `2 h 5 min`.
    static func text(of duration: Duration) -> String {
        let seconds = Int(duration.components.seconds)
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3_600: return "\(seconds / 60) min \(seconds % 60) s"
        default: return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
        }
    }

    private func write(_ text: String) {
        // Where standard error is gone there is nobody left to tell.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}

extension ParsableCommand {
    /// Runs the body of a command; what it throws is told and ends the program with its number.
    func withConsole(
        _ output: OutputOptions,
        _ body: (Console) throws -> Void
    ) throws {
        let console = Console(format: output.format)
        do {
            try body(console)
            if console.hasLostResults {
                throw CommandFailure(.outputUnwritable, "standard output can't be written")
            }
        } catch let code as ExitCode {
            throw code
        } catch {
            throw console.fail(CommandFailure(any: error))
        }
    }
}
