"""The queries that ``procrastinate`` has none for. They use its tables, so its release is pinned."""

from typing import LiteralString

LOCK = 7_146_023_312
"""An arbitrary number that PostgreSQL's advisory lock knows the making of our tables by."""

FAILURES: LiteralString = """
CREATE TABLE IF NOT EXISTS triage_queue_failures (
    id bigserial PRIMARY KEY,
    job_id bigint NOT NULL REFERENCES procrastinate_jobs ON DELETE CASCADE,
    error text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS triage_queue_failures_job ON triage_queue_failures (job_id)
"""

NOTE: LiteralString = "INSERT INTO triage_queue_failures (job_id, error) VALUES (%(job)s, %(error)s)"

WAITING: LiteralString = """
UPDATE procrastinate_jobs SET priority = GREATEST(priority, %(priority)s)
 WHERE status = 'todo' AND queue_name = %(queue)s AND lock = ANY(%(locks)s)
RETURNING lock
"""

RESCUE: LiteralString = """
WITH lost AS (
    SELECT job.id FROM procrastinate_jobs job
     WHERE job.status = 'doing' AND job.queue_name = %(queue)s
       AND NOT EXISTS (
           SELECT 1 FROM procrastinate_workers worker
            WHERE worker.id = job.worker_id
              AND worker.last_heartbeat >= now() - make_interval(secs => %(silent)s))
       FOR UPDATE OF job SKIP LOCKED
), noted AS (
    INSERT INTO triage_queue_failures (job_id, error) SELECT id, %(error)s FROM lost
)
UPDATE procrastinate_jobs job
   SET status = CASE WHEN 1 + (SELECT count(*) FROM triage_queue_failures failure
                                WHERE failure.job_id = job.id AND failure.error = %(error)s) >= %(most)s
                     THEN 'failed' ELSE 'todo' END::procrastinate_job_status,
       attempts = attempts + 1, scheduled_at = now(), worker_id = NULL, abort_requested = false
  FROM lost WHERE job.id = lost.id
RETURNING job.id
"""

HELD: LiteralString = """
SELECT id FROM procrastinate_jobs WHERE queue_name = %(queue)s AND status = 'doing' AND worker_id = %(worker)s
"""

PUT_BACK: LiteralString = """
UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = now(), worker_id = NULL, abort_requested = false
 WHERE id = ANY(%(ids)s) AND status = 'doing' AND worker_id = %(worker)s
RETURNING id
"""

STATE: LiteralString = """
SELECT count(*) FILTER (WHERE status = 'todo') AS waiting,
       count(*) FILTER (WHERE status = 'doing') AS doing,
       count(*) FILTER (WHERE status IN ('failed', 'aborted')) AS dead,
       count(*) FILTER (WHERE status = 'doing' AND NOT EXISTS (
           SELECT 1 FROM procrastinate_workers worker
            WHERE worker.id = job.worker_id
              AND worker.last_heartbeat >= now() - make_interval(secs => %(silent)s))) AS stalled,
       (SELECT count(*) FROM procrastinate_workers
         WHERE last_heartbeat >= now() - make_interval(secs => %(silent)s)) AS workers,
       EXTRACT(epoch FROM now() - min(COALESCE(scheduled_at, (
           SELECT min(at) FROM procrastinate_events event WHERE event.job_id = job.id)))
           FILTER (WHERE status = 'todo' AND COALESCE(scheduled_at, now()) <= now()))::float AS oldest
  FROM procrastinate_jobs job WHERE queue_name = %(queue)s
"""

FAILED: LiteralString = """
SELECT job.id, job.args ->> 'encounter' AS encounter, job.attempts, job.status <> 'todo' AS dead,
       COALESCE(failure.error, 'unknown') AS error, failure.at
  FROM procrastinate_jobs job
  LEFT JOIN LATERAL (SELECT error, at FROM triage_queue_failures WHERE job_id = job.id
                      ORDER BY id DESC LIMIT 1) failure ON true
 WHERE job.queue_name = %(queue)s
   AND (job.status IN ('failed', 'aborted') OR (job.status = 'todo' AND job.attempts > 0))
 ORDER BY job.status <> 'todo' DESC, job.id LIMIT %(limit)s
"""

REVIVE: LiteralString = """
WITH revived AS (
    UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = now(), worker_id = NULL
     WHERE queue_name = %(queue)s AND status IN ('failed', 'aborted')
       AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
    RETURNING id
), forgotten AS (
    DELETE FROM triage_queue_failures WHERE job_id IN (SELECT id FROM revived)
)
SELECT id FROM revived
"""
