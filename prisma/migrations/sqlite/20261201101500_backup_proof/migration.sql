-- AlterTable
ALTER TABLE "Backup" ADD COLUMN "proof" TEXT;
