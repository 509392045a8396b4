import Glibc
import Storage

// StorageCrashChild FOLDER [kill-call|tear-call|fail-call|kill-step|read N]
//
// Runs the script in the folder. Prints `found DIGEST ENTRIES`, `state DIGEST` after every
// transaction, `calls N`, `pages N N …` and `steps N` at the end. With a fault it dies or fails at
// the N-th system call that writes, or at the N-th step of a write transaction. After a failure it
// prints `error REPAIR`, opens the store again and goes on. With `read` it only prints what it
// found, while another process may write.

let arguments = CommandLine.arguments
guard arguments.count == 2 || arguments.count == 4 else { exit(2) }
let number = arguments.count == 4 ? Int(arguments[3]) ?? 0 : 0

/// Counts the steps of all write transactions, on the only thread that writes.
enum Steps {
    nonisolated(unsafe) static var count = 0
}

let killStep = arguments.count == 4 && arguments[2] == "kill-step" ? number : 0
let faults = WriteFaults { _ in
    unsafe Steps.count += 1
    if unsafe Steps.count == killStep {
        SystemCalls.die()
    }
}
if arguments.count == 4 {
    switch arguments[2] {
    case "kill-call": SystemCalls.arrange(.kill, atCall: number)
    case "tear-call": SystemCalls.arrange(.tear, atCall: number)
    case "fail-call": SystemCalls.arrange(.fail, atCall: number)
    case "kill-step", "read": break
    default: exit(2)
    }
}

func say(_ line: String) {
    print(line)
    fflush(nil)
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func attempt() throws {
    let isReader = arguments.count == 4 && arguments[2] == "read"
    let store = try StateStore(
        folder: arguments[1], access: isReader ? .readOnly : .readWrite,
        limits: StateStore.mapLimits, faults: faults
    )
    let script = try Script(store: store)
    let count = try script.auditedCount()
    say("found \(hexadecimal(try store.digestOfAllTables())) \(count.map(String.init) ?? "bad")")
    if isReader { return }
    try script.run {
        say("state \(hexadecimal(try store.digestOfAllTables()))")
    }
}

do {
    do {
        try attempt()
    } catch let error as StorageError {
        say("error \(error.repair.rawValue)")
        try attempt()
    }
    say("calls \(unsafe SystemCalls.count)")
    say("pages \(unsafe SystemCalls.pageWrites.map(String.init).joined(separator: " "))")
    say("steps \(unsafe Steps.count)")
} catch {
    say("failed \(error)")
    exit(1)
}
