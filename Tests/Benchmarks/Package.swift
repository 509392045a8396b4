// swift-tools-version: 6.1

import PackageDescription

/// Settings of every target, as in the package above.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The benchmarks of one target of the package above, in `Benchmarks/<name>Benchmarks`.
func benchmarks(_ name: String, _ libraries: [String]) -> Target {
    .executableTarget(
        name: "\(name)Benchmarks",
        dependencies: [.product(name: "Benchmark", package: "benchmark")]
            + libraries.map { .product(name: $0, package: "starling") },
        path: "Benchmarks/\(name)Benchmarks",
        swiftSettings: strict,
        plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
    )
}

let package = Package(
    name: "starling-benchmarks",
    platforms: [.macOS(.v13)],
    dependencies: [
        .package(name: "starling", path: "../.."),
        // Without its default traits it needs no jemalloc.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        benchmarks("Kernels", ["Kernels", "Tensors"]),
        benchmarks("Models", ["Models", "Checkpoints", "Kernels", "Tensors", "Adapters"]),
        benchmarks("Tokenizers", ["Tokenizers"]),
        // Prints a table of its own: the costs of whole secure rounds, and a C loop beside them.
        .target(
            name: "CMaskLoop",
            path: "Benchmarks/CMaskLoop",
            cSettings: [.unsafeFlags(["-O3"])],
            linkerSettings: [.linkedLibrary("sodium")]
        ),
        .executableTarget(
            name: "SecureRounds",
            dependencies: [
                "CMaskLoop", .product(name: "Federation", package: "starling"),
                .product(name: "Cryptography", package: "starling"),
            ],
            path: "Benchmarks/SecureRounds",
            swiftSettings: strict
        ),
    ]
)
