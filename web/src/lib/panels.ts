/** Where panels get what they show: from a run on the server, or from the run that comes along. */

import type { Filmed, LabRun, Probes, Rows, Snapshots } from './answers';
import { api } from './api';

export interface PanelSource {
  probes: () => Promise<Probes>;
  snapshots: (name: string) => Promise<Snapshots>;
  rows: (network: Filmed, numbers: readonly number[]) => Promise<Rows>;
}

export function ofRun(run: string): PanelSource {
  return {
    probes: () => api.probes(run),
    snapshots: (name) => api.snapshots(run, name),
    rows: ({ member }, numbers) => api.runRows(run, member, numbers),
  };
}

export function ofRecorded({ lab, probes, filmed = {} }: LabRun): PanelSource {
  const names = filmedNames(filmed);
  const nothing: Snapshots = { name: null, names, networks: [] };
  return {
    probes: async () => probes ?? { steps: [], probes: {} },
    snapshots: async (name) => ({ ...(filmed[name] ?? filmed[names[0] ?? ''] ?? nothing), names }),
    rows: ({ comparison, seed }, numbers) => api.labRows(lab, comparison, seed, numbers),
  };
}

/** What a recorded run has frames of; there may not have been room for all. */
export function filmedNames(filmed: LabRun['filmed']): string[] {
  return Object.keys(filmed ?? {});
}
