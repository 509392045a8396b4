import Foundation

/// docs/exit-codes.md of this checkout.
struct ExitCodePage {
    let text: String

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        text = try String(contentsOf: root.appending(path: "docs/exit-codes.md"), encoding: .utf8)
    }
}
