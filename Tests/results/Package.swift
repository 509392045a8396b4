// swift-tools-version: 6.2

import PackageDescription

/// Settings of every target, as in the package above.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "starling-results",
    dependencies: [
        .package(name: "starling", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "trials",
            dependencies: [
                "Adapters", "Checkpoints", "Cryptography", "Federation", "Kernels", "Models",
                "Tensors", "Tokenizers", "Training",
            ].map { .product(name: $0, package: "starling") } + [
                .product(name: "ArgumentParser", package: "swift-argument-parser")
            ],
            path: "Sources/Trials",
            swiftSettings: strict
        )
    ]
)
