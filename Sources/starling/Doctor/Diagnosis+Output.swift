internal import Foundation
internal import JSONDocuments
internal import Kernels

extension Diagnosis {
    /// For programs.
    var record: JSONRecord {
        var record = JSONRecord()
        record.add("processor", machine.processor)
        record.add("cores", machine.coreCount)
        record.add("threads", threadCount)
        record.add(
            "instruction_sets", .array(machine.instructionSets.map { .string($0) }))
        record.add("memory_bytes", machine.memoryByteCount)
        record.add("memory_available_bytes", machine.availableByteCount)
        record.add("products", libraryInUse)
        record.add("compute", computeType.rawValue)
        record.add("kernels", kernels)
        record.add("libraries", .array(libraries.map { self.record(of: $0).value }))
        var versions = JSONRecord()
        for (name, version) in self.versions { versions.add(name, version) }
        record.add("versions", versions.value)
        record.add(
            "warnings",
            .array(
                warnings.map {
                    var warning = JSONRecord()
                    warning.add("problem", $0.problem)
                    warning.add("remedy", $0.remedy)
                    return warning.value
                }))
        return record
    }

    private func record(of library: Library) -> JSONRecord {
        var record = JSONRecord()
        record.add("name", library.name)
        record.add("in_use", .bool(library.name == libraryInUse))
        record.add("version", library.details.version.map(JSONValue.string) ?? .null)
        record.add("kernel", library.details.kernel.map(JSONValue.string) ?? .null)
        if library.name == "OpenBLAS" {
            record.add("core_type", coreType.map(JSONValue.string) ?? .null)
            record.add("core_type_by_user", .bool(userCoreType != nil))
        }
        if let configuration = library.details.configuration {
            record.add("configuration", configuration)
        }
        record.add(
            "speeds",
            .array(
                library.speeds.map { speed in
                    var record = JSONRecord()
                    record.add("type", speed.type.rawValue)
                    record.add("threads", speed.threadCount)
                    record.add("forward_gflops", speed.forward)
                    record.add("backward_gflops", speed.backward)
                    record.add("share_of_limit", share(speed))
                    return record.value
                }))
        return record
    }

    /// For people.
    var text: String {
        let sets = machine.instructionSets
        var lines = [
            "processor  \(machine.processor.isEmpty ? "unknown" : machine.processor), "
                + "\(machine.coreCount) \(machine.coreCount == 1 ? "core" : "cores")",
            "has        \(sets.isEmpty ? "no instruction set that matters here" : sets.joined(separator: ", "))",
            "memory     \(Self.gibibytes(machine.memoryByteCount)), "
                + "\(Self.gibibytes(machine.availableByteCount)) available",
            "computes   \(kernels); \(computeType.rawValue) unless told otherwise",
            "versions   " + versions.map { "\($0.name) \($0.version)" }.joined(separator: ", "),
            "",
        ]
        for library in libraries { lines.append(title(of: library)) }
        if libraries.contains(where: { !$0.speeds.isEmpty }) {
            lines += ["", "GFLOP/s     type  threads  forward  backward  share of the limit"]
            for library in libraries {
                for speed in library.speeds { lines.append(row(library.name, speed)) }
            }
        }
        for warning in warnings {
            lines += ["", "warning: \(warning.problem)", "   what to do: \(warning.remedy)"]
        }
        return lines.joined(separator: "\n")
    }

    private func title(of library: Library) -> String {
        var words = [library.name, library.details.version].compactMap(\.self)
            .joined(separator: " ")
        if let kernel = library.details.kernel { words += ", kernel \(kernel)" }
        if library.name == "OpenBLAS", let coreType {
            words += " (told \(coreType)\(userCoreType == nil ? "" : " by OPENBLAS_CORETYPE"))"
        }
        return words + (library.name == libraryInUse ? ", in use" : "")
    }

    private func row(_ name: String, _ speed: ProductTrial.Speed) -> String {
        [
            name.padding(toLength: 10, withPad: " ", startingAt: 0),
            speed.type.rawValue.padding(toLength: 4, withPad: " ", startingAt: 0),
            Self.right("\(speed.threadCount)", 7),
            Self.right(speed.forward.text(places: 1), 7),
            Self.right(speed.backward.text(places: 1), 8),
            Self.right((100 * share(speed)).text(places: 0) + " %", 18),
        ].joined(separator: "  ")
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func gibibytes(_ byteCount: Int) -> String {
        (Double(byteCount) / 1_073_741_824).text(places: 1) + " GiB"
    }
}
