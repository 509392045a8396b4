internal import Foundation
internal import Synchronization

/// Whether Ctrl-C or SIGTERM has asked the program to end after its step.
///
/// A second signal ends it at once.
enum Interruption {
    private static let requested = Atomic<Bool>(false)

    static var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Catches the signals from now on.
    static func watch() {
        // Made here, because a signal handler must not be the first to touch it.
        requested.store(false, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                Interruption.requested.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }
}
