# SPDX-License-Identifier: BSD-2-Clause
"""A DaemonSet's pod as messages of CRI, as kubelet makes them of it.

A field that is not carried out here is an error: the pod of the test is the one of the manifest.
"""
import os
import re

import cri_pb2
import yaml

# What is the scheduler's or kubelet's own business, and needs no runtime.
IGNORED = {"imagePullPolicy", "ports", "livenessProbe", "readinessProbe", "resources"}


def load(path):
    with open(path, encoding="utf-8") as file:
        documents = [document for document in yaml.safe_load_all(file) if document]
    return next(document for document in documents if document["kind"] == "DaemonSet")


def item_of(daemonset, name):
    spec = daemonset["spec"]["template"]["spec"]
    return next(item for item in [*spec.get("initContainers", []), *spec["containers"]]
                if item["name"] == name)


def take(fields, known, where):
    unknown = set(fields) - set(known)
    if unknown:
        raise SystemExit(f"{where}: {', '.join(sorted(unknown))}: not known here")
    return fields


def namespaces(daemonset):
    spec = daemonset["spec"]["template"]["spec"]

    def mode(key, other):
        return cri_pb2.NODE if spec.get(key) else other

    return cri_pb2.NamespaceOption(network=mode("hostNetwork", cri_pb2.POD), ipc=mode("hostIPC", cri_pb2.POD),
                                   pid=mode("hostPID", cri_pb2.CONTAINER))


def seccomp(daemonset):
    spec = daemonset["spec"]["template"]["spec"]
    kind = take(spec["securityContext"], ["seccompProfile"], "pod")["seccompProfile"]["type"]
    return cri_pb2.SecurityProfile(profile_type=kind)


def sandbox_config(daemonset, parent, uid, log_directory):
    return cri_pb2.PodSandboxConfig(
        metadata=cri_pb2.PodSandboxMetadata(name=daemonset["metadata"]["name"], uid=uid,
                                            namespace=daemonset["metadata"]["namespace"]),
        log_directory=log_directory, labels=daemonset["spec"]["template"]["metadata"]["labels"],
        linux=cri_pb2.LinuxPodSandboxConfig(
            cgroup_parent=parent, security_context=cri_pb2.LinuxSandboxSecurityContext(
                namespace_options=namespaces(daemonset), seccomp=seccomp(daemonset))))


def mounts(daemonset, item):
    volumes = {volume["name"]: take(volume, ["name", "hostPath"], "volume")["hostPath"]
               for volume in daemonset["spec"]["template"]["spec"]["volumes"]}
    for mount in item["volumeMounts"]:
        take(mount, ["name", "mountPath", "mountPropagation", "readOnly"], "volumeMounts")
        volume = volumes[mount["name"]]
        if volume["type"] == "DirectoryOrCreate":
            os.makedirs(volume["path"], exist_ok=True)
        elif not os.path.isdir(volume["path"]):
            raise SystemExit(f"{volume['path']}: not a {volume['type']}")
        yield cri_pb2.Mount(container_path=mount["mountPath"], host_path=volume["path"],
                            readonly=mount.get("readOnly", False),
                            propagation=mount.get("mountPropagation", "None"))


def security(daemonset, item, without):
    fields = take(item["securityContext"], ["privileged", "allowPrivilegeEscalation", "runAsUser",
                                            "readOnlyRootFilesystem", "capabilities"], "securityContext")
    capabilities = take(fields["capabilities"], ["add", "drop"], "capabilities")
    added = capabilities.get("add", [])
    if set(without) - set(added):
        raise SystemExit(f"{without}: not among {added}")
    return cri_pb2.LinuxContainerSecurityContext(
        capabilities=cri_pb2.Capability(add_capabilities=[name for name in added if name not in without],
                                        drop_capabilities=capabilities["drop"]),
        privileged=fields["privileged"], readonly_rootfs=fields["readOnlyRootFilesystem"],
        no_new_privs=not fields["allowPrivilegeEscalation"],
        run_as_user=cri_pb2.Int64Value(value=fields["runAsUser"]),
        namespace_options=namespaces(daemonset), seccomp=seccomp(daemonset))


def container_config(daemonset, name, attempt, host_ip, without):
    item = take(item_of(daemonset, name), IGNORED | {"name", "image", "command", "args", "env",
                                                     "securityContext", "volumeMounts"}, name)
    fields = {"status.hostIP": host_ip}
    env = {entry["name"]: fields[entry["valueFrom"]["fieldRef"]["fieldPath"]] if "valueFrom" in entry
           else entry["value"] for entry in item.get("env", [])}

    def expand(words):
        return [re.sub(r"\$\((\w+)\)", lambda match: env[match[1]], word) for word in words]

    return cri_pb2.ContainerConfig(
        metadata=cri_pb2.ContainerMetadata(name=name, attempt=attempt), log_path=f"{name}.log",
        image=cri_pb2.ImageSpec(image=item["image"]), command=expand(item.get("command", [])),
        args=expand(item.get("args", [])), mounts=mounts(daemonset, item),
        envs=[cri_pb2.KeyValue(key=key, value=value) for key, value in env.items()],
        linux=cri_pb2.LinuxContainerConfig(security_context=security(daemonset, item, without)))
