// swift-tools-version: 6.2

import PackageDescription

// Built by run.sh with `--sanitize fuzzer`, which instruments the readers and brings the main
// function.
let package = Package(
    name: "starling-fuzz",
    dependencies: [.package(name: "starling", path: "../..")],
    targets: [
        .executableTarget(
            name: "ReaderFuzzer",
            dependencies: [
                .product(name: "Checkpoints", package: "starling"),
                .product(name: "Cryptography", package: "starling"),
                .product(name: "LibP2P", package: "starling"),
                .product(name: "Tokenizers", package: "starling"),
                .product(name: "Training", package: "starling"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .unsafeFlags(["-parse-as-library"]),
            ]
        )
    ]
)
