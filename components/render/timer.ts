/** The systemd timer of a job. */
import { writtenByTrilithon } from "./application-unit";

export interface Timer {
  /** The application. */
  readonly name: string;
  readonly job: string;
  /** As `OnCalendar=` has it; without a time zone it is the host's. */
  readonly schedule: string;
  readonly persistent: boolean;
}

export function renderTimer({ name, job, schedule, persistent }: Timer): string {
  return `${writtenByTrilithon}
[Unit]
Description=${name}: ${job}

[Timer]
OnCalendar=${schedule}
# systemd's default would let it be a minute late.
AccuracySec=1s
# Whether a run that was missed is made up for.
Persistent=${persistent ? "yes" : "no"}

[Install]
WantedBy=timers.target
`;
}
