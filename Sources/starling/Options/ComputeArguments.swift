public import ArgumentParser
public import NodeServices
public import Training

// A flag has the words that a node's settings file has.
extension ComputeChoice: ExpressibleByArgument {}
extension StorageChoice: ExpressibleByArgument {}
extension MethodChoice: ExpressibleByArgument {}
extension RecomputeChoice: ExpressibleByArgument {}

// The words and sizes of a plan.
extension PlanningRequest.Wish: ExpressibleByArgument {}
extension OptimizerKind: ExpressibleByArgument {}
extension MemorySize: ExpressibleByArgument {}
