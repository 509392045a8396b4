// swift-tools-version: 6.2

import PackageDescription

/// Settings of every Swift target: Swift 6 mode, explicit existentials and imports, marked unsafe
/// code, and no warning left standing.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// A library target below `Sources/` and the test target that belongs to it.
func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.byName(name: name)] + dependencies,
        exclude: exclude,
        swiftSettings: strict
    )
}

/// A program that tests start, below `Tests/`.
func testProgram(
    _ name: String, _ dependencies: [Target.Dependency], linkerSettings: [LinkerSetting] = []
) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        path: "Tests/\(name)",
        swiftSettings: strict,
        linkerSettings: linkerSettings
    )
}

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "starling",
    products: [
        .executable(name: "starling", targets: ["starling"]),
        // For Tests/fuzz, Tests/Benchmarks and Tests/results, which are packages of their own.
        .library(name: "Checkpoints", targets: ["Checkpoints"]),
        .library(name: "Tokenizers", targets: ["Tokenizers"]),
        .library(name: "Tensors", targets: ["Tensors"]),
        .library(name: "Kernels", targets: ["Kernels"]),
        .library(name: "Models", targets: ["Models"]),
        .library(name: "Adapters", targets: ["Adapters"]),
        .library(name: "Training", targets: ["Training"]),
        .library(name: "Cryptography", targets: ["Cryptography"]),
        .library(name: "Federation", targets: ["Federation"]),
        .library(name: "LibP2P", targets: ["LibP2P"]),
        .library(name: "GossipLog", targets: ["GossipLog"]),
        .library(name: "NodeServices", targets: ["NodeServices"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System libraries: a module map and a shim header each.
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
        .target(
            name: "CKernels",
            cSettings: [
                // SwiftPM builds C without optimisation in debug; numeric tests would crawl.
                .unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"])
            ]
        ),

        // Values and numerics.
        library("Tensors"),
        library("Kernels", ["Tensors", "CKernels", "COpenBLAS", "COneDNN"]),
        library("JSONDocuments"),
        library("Checkpoints", ["Tensors", "JSONDocuments"]),
        library("Tokenizers", ["JSONDocuments"]),
        library("Models", ["Tensors", "Kernels", "Checkpoints"]),
        library("Adapters", ["Tensors", "Kernels", "Checkpoints", "Models"]),
        library(
            "Training",
            [
                "Tensors", "Kernels", "Checkpoints", "Tokenizers", "Models", "Adapters",
                "JSONDocuments",
            ]
        ),

        // Identity, wire and protocol.
        library("Cryptography", ["CSodium"]),
        library("LibP2P", ["Cryptography", protobuf], exclude: ["Protos"]),
        library("Federation", ["Tensors", "Cryptography", protobuf], exclude: ["Protos"]),
        library("GossipLog", ["Cryptography"]),
        library("Storage", ["Tensors", "Cryptography", "GossipLog", "CLMDB"]),
        library("Transports", ["LibP2P", "Cryptography", nioCore, nioPosix, log]),

        // Programs that tests start.
        testProgram(
            "StorageCrashChild", ["Storage", "GossipLog", "Cryptography"],
            // Lets the child put its own calls of the C library below LMDB.
            linkerSettings: [.unsafeFlags(["-Xlinker", "--export-dynamic"])]
        ),
        testProgram("LogProbe", ["Storage", "GossipLog", "Cryptography"]),
        testProgram("SwarmProbe", ["Transports", "LibP2P", "Cryptography", nioPosix, log]),
        testProgram("SecureCrashNode", ["NodeServices", "LibP2P", log]),
        testProgram(
            "HostileMember",
            ["NodeServices", "Federation", "Transports", "LibP2P", "Cryptography", nioPosix, log]
        ),

        // The shell and what a person starts.
        library(
            "NodeServices",
            [
                "Kernels", "Tensors", "Checkpoints", "Tokenizers", "Models", "Adapters", "Training",
                "Cryptography", "LibP2P", "Federation", "GossipLog", "Storage", "Transports",
                log, nioCore, nioPosix, .product(name: "TOMLKit", package: "TOMLKit"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        library("Simulation", ["Federation", "LibP2P", "Cryptography", "Tensors"]),
        .executableTarget(
            name: "starling",
            dependencies: [
                "NodeServices", "Simulation", "Tensors", "Checkpoints", "Tokenizers", "Models",
                "Adapters",
                "Training", "Kernels", "Cryptography", "LibP2P", "Federation", "JSONDocuments",
                .product(name: "ArgumentParser", package: "swift-argument-parser"), log,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),

        tests("Tensors"),
        tests("Kernels", ["Tensors"]),
        tests("JSONDocuments"),
        tests("Checkpoints", ["Tensors", "JSONDocuments"]),
        tests("Tokenizers", ["Checkpoints", "JSONDocuments"]),
        tests("Models", ["Tensors", "Kernels", "Checkpoints"]),
        tests("Adapters", ["Tensors", "Kernels", "Checkpoints", "Models"]),
        tests(
            "Training",
            [
                "Tensors", "JSONDocuments", "Checkpoints", "Tokenizers", "Kernels", "Models",
                "Adapters",
            ],
            exclude: ["Fixtures"]
        ),
        tests(
            "starling",
            [
                "JSONDocuments", "Kernels", "Models", "NodeServices", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        tests("Cryptography"),
        tests("LibP2P", ["Cryptography"]),
        tests("Federation", ["Tensors", "Cryptography"]),
        tests("GossipLog", ["Cryptography"]),
        tests("Storage", ["Tensors", "GossipLog", "Cryptography"]),
        tests("Transports", ["LibP2P", "Cryptography", nioCore, nioPosix, log]),
        tests(
            "NodeServices",
            [
                "Tensors", "Checkpoints", "Tokenizers", "Kernels", "Models", "Adapters",
                "Training", "Federation", "GossipLog", "LibP2P", "Cryptography", "Storage",
                "Transports", log, nioCore, nioPosix,
            ]
        ),
        tests("Simulation", ["Federation", "Cryptography", "Tensors"]),
    ]
)
