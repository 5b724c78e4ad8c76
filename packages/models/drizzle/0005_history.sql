CREATE INDEX `post_action_runs_completed` ON `post_action_runs` (`completed_at`);--> statement-breakpoint
CREATE INDEX `schedule_runs_finished` ON `schedule_runs` (`finished_at`);--> statement-breakpoint
CREATE INDEX `webhook_runs_finished` ON `webhook_runs` (`finished_at`);--> statement-breakpoint
CREATE INDEX `messages_activity_created` ON `messages` (`created_at`) WHERE message_type in ('activity_event', 'status_update');