import { Injectable } from '@nestjs/common';
import {
  Call,
  DaceCall,
  Dependency,
  FaultTolerant,
  InjectDependency,
} from 'nestjs-dace';

export interface Report {
  readonly number: number;
  readonly isStale?: boolean;
}

/** One dependency, two faces: the decorator with a fallback, and the executor itself without. */
@Injectable()
export class ReportsService {
  private last: Report = { number: 0 };

  constructor(
    @InjectDependency('reports') private readonly reports: Dependency,
  ) {}

  /** The report, or the last one seen if this one takes too long. */
  @FaultTolerant('reports', { fallback: 'lastReport' })
  async latest(@DaceCall() call: Call = Call.injected): Promise<Report> {
    this.last = (await call.http.get<Report>('/report')).data;
    return this.last;
  }

  lastReport(_error: unknown): Report {
    return { ...this.last, isStale: true };
  }

  /** The report, or 504 if it takes too long. */
  async strict(): Promise<Report> {
    return (await this.reports.http.get<Report>('/report')).data;
  }
}
