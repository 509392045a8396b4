public import ArgumentParser
public import NodeServices

// A flag has the words that a node's settings file has.
extension ComputeChoice: ExpressibleByArgument {}
extension StorageChoice: ExpressibleByArgument {}
extension MethodChoice: ExpressibleByArgument {}
extension RecomputeChoice: ExpressibleByArgument {}
