"""A real Slurm of two nodes on this machine, for tests of what runs on clusters. Debian: slurm-wlm and munge.

    with Cluster(folder) as cluster:
        subprocess.run(["sbatch", ...], env=cluster.environment)

Everything it writes is in one folder. It needs no systemd, no accounting database and no configuration of the machine.
Written from the manuals of slurm.conf, slurmctld, slurmd and munged (Slurm 22.05).
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from tests.several import free_port

NODES = ("n1", "n2")
PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
START_SECONDS = 60.0
# Seconds that a job which is queued again waits at least; Slurm's own are 120.
AGAIN = 5
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.sock,cred_expire={again}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
MinJobAge=30
SlurmctldTimeout=10
SlurmdTimeout=5
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
"""


def missing() -> str:
    """Why no cluster can run here; empty where one can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"no {', '.join(absent)} here; Debian's slurm-wlm and munge have them" if absent else ""


class Cluster:
    """Two nodes of one processor each, jobs that are queued again when their node dies, and
    a partition `urgent` whose jobs have those of the first one queued again.

    Attributes: environment, the variables with which sbatch, squeue, scontrol and scancel find it.
    """

    def __init__(self, folder: Path, memory: int = 4000) -> None:
        """folder: new or empty; Slurm keeps its state, logs and sockets there. memory: MiB of each node."""
        self.folder, self.memory = folder.resolve(), memory
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Cluster":
        self._write()
        try:
            self._start_daemons()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def said(self, *arguments: str) -> str:
        """What a Slurm command prints; raises CalledProcessError where it fails."""
        return subprocess.run(
            arguments, env=self.environment, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def states(self) -> dict[str, str]:
        """The state of each node, as sinfo names it: idle, allocated, down..."""
        lines = self.said("sinfo", "--noheader", "--Node", "--format=%N %T").splitlines()
        return {name: state.rstrip("*$~#") for name, state in (line.split() for line in lines)}

    def start_node(self, name: str) -> None:
        """Starts a node, which also brings a killed one back."""
        self._daemon(name, "slurmd", "-D", "-N", name, "-f", str(self.folder / "slurm.conf"))

    def kill_node(self, name: str) -> None:
        """Kills a node as a power cut does: its daemon, its jobs and all that they started, with -9."""
        daemon = self.daemons.pop(name)
        steps = [each for each in psutil.process_iter(["cmdline"]) if self._is_step_of(each, name)]
        for each in (psutil.Process(daemon.pid), *steps):
            _kill_all(each)
        daemon.wait()

    def stop(self) -> None:
        """Ends all jobs and daemons."""
        for name in NODES:
            if name in self.daemons:
                self.kill_node(name)
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        self.daemons.clear()

    def _write(self) -> None:
        for name in ("state", "munge", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "munge").chmod(0o700)
        host, ports = socket.gethostname(), [free_port() for _ in NODES]
        nodes = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory={self.memory}\n"
            for name, port in zip(NODES, ports, strict=True)
        ]
        user = pwd.getpwuid(os.geteuid()).pw_name
        filled = CONFIGURATION.format(host=host, port=free_port(), user=user, folder=self.folder, again=AGAIN)
        head, partition = filled.split("PartitionName", 1)
        (self.folder / "slurm.conf").write_text(head + "".join(nodes) + "PartitionName" + partition)

    def _start_daemons(self) -> None:
        munge = self.folder / "munge"
        subprocess.run(["mungekey", "-c", "-f", "-k", str(munge / "key")], check=True)
        files = {"key-file": "key", "socket": "munge.sock", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        # --force: pytest's folders lie in /tmp, which others may write
        self._daemon(
            "munged", "munged", "--foreground", "--force", *(f"--{key}={munge / name}" for key, name in files.items())
        )
        self._until((munge / "munge.sock").exists, "munged has no socket")
        self._daemon("slurmctld", "slurmctld", "-D", "-c", "-f", str(self.folder / "slurm.conf"))
        for name in NODES:
            self.start_node(name)
        self._until(self._is_ready, "the nodes are not idle")

    def _is_ready(self) -> bool:
        with suppress(subprocess.CalledProcessError):
            return set(self.states().values()) == {"idle"}
        return False

    def _daemon(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as output:
            self.daemons[name] = subprocess.Popen(
                arguments, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )

    def _until(self, condition: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            ended = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = "\n".join(f"{name}:\n{self._log(name)}" for name in self.daemons)
                raise RuntimeError(f"{complaint} after {START_SECONDS:.0f} s; ended: {ended or 'none'}\n{logs}")
            time.sleep(0.1)

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.out").read_text(errors="replace")[-2000:]

    def _is_step_of(self, process: psutil.Process, node: str) -> bool:
        """Whether this is the slurmstepd of a job of this cluster's node: it writes to the log of its slurmd."""
        with suppress(psutil.Error):
            words: Sequence[str] = process.info["cmdline"] or []
            log = str(self.folder / f"slurmd-{node}.log")
            return bool(words) and "slurmstepd" in words[0] and any(log == each.path for each in process.open_files())
        return False


def _kill_all(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                each.send_signal(signal.SIGKILL)
