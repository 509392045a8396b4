internal import Foundation
internal import LibP2P
internal import Logging
internal import NodeServices

/// A node that ends with SIGKILL before it sends a frame of a secure round:
/// `SecureCrashNode HOME DATA JOIN KIND`, on loopback, with one thread.
///
/// It does so from the moment on that the file `crash` lies in the home. What it had queued before
/// has a third of a second to leave, so that the others see it stop at this step and not earlier.
let arguments = CommandLine.arguments
guard arguments.count == 5, let kind = UInt8(arguments[4]),
    let join = try? Multiaddr(arguments[3])
else {
    FileHandle.standardError.write(Data("usage: SecureCrashNode HOME DATA JOIN KIND\n".utf8))
    exit(2)
}
let home = NodeHome(path: arguments[1])
let mark = home.folder.appendingPathComponent("crash").path
var settings = NodeSettings()
settings.data = [arguments[2]]
settings.heldOut = 0
settings.threads = 1
settings.listen = ["/ip4/127.0.0.1/tcp/0"]
var logger = Logger(label: "crash")
logger.logLevel = .warning
var options = NodeOptions(home: home, settings: settings, logger: logger) { report in
    if case .listening(let lines) = report {
        for line in lines { print("join: \(line)") }
    }
}
options.join = join
options.linger = nil
options.beforeFrame = { frame in
    guard frame.first == kind, FileManager.default.fileExists(atPath: mark) else { return }
    Thread.sleep(forTimeInterval: 0.3)
    kill(getpid(), SIGKILL)
}
_ = try await Node(options: options).run()
