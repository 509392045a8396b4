// swift-tools-version: 6.2

import PackageDescription

// Built by run.sh with `--sanitize fuzzer`, which instruments the decoders and brings the main
// function, and with testing enabled, so that decoders that are no target's interface are reached.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-parse-as-library"]),
]

let package = Package(
    name: "starling-fuzz",
    dependencies: [.package(name: "starling", path: "../..")],
    targets: [
        .executableTarget(
            name: "ReaderFuzzer",
            dependencies: [
                .product(name: "Checkpoints", package: "starling"),
                .product(name: "NodeServices", package: "starling"),
                .product(name: "Tokenizers", package: "starling"),
                .product(name: "Training", package: "starling"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "PeerFuzzer",
            dependencies: [
                .product(name: "Cryptography", package: "starling"),
                .product(name: "Federation", package: "starling"),
                .product(name: "GossipLog", package: "starling"),
                .product(name: "LibP2P", package: "starling"),
                .product(name: "Tensors", package: "starling"),
            ],
            swiftSettings: settings
        ),
    ]
)
