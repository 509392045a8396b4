internal import Foundation

/// Where a real model lies, for the checks that need one.
enum TestModel {
    static let path = ProcessInfo.processInfo.environment["STARLING_TEST_MODEL"]
}
